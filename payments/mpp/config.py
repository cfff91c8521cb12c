"""The settings of the MPP rail and their rules; importing this loads no SDK."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, PositiveFloat, PositiveInt

from payments.development_accounts import is_development
from payments.rail_info import RailSection
from settings_types import MISSING, Address, CommaSeparated, Fault, Secret32, Whole, required

SANDBOX_SECRET = "clearcanvas sandbox, known to everybody"  # noqa: S105  # public on purpose, refused on mainnet


class MppConfig(RailSection):
    """The MPP rail: dollar tokens on Tempo, pull mode."""

    chain_id: Annotated[Literal[4217, 42431], Whole] = 42431
    """4217 is Tempo, 42431 is Tempo Moderato."""
    currencies: Annotated[tuple[Address, ...], CommaSeparated, Field(min_length=1)] = (
        "0x20c0000000000000000000000000000000000000",
    )
    """The accepted tokens, in the order of the offers: TIP-20 dollars with 6 decimals, by default pathUSD and (on
    mainnet) USDC.e."""
    recipient: Address | None = None
    """The address that receives payments."""
    previous_recipient: Address | None = None
    """The address before the last change; payments to it from earlier quotes are still accepted."""
    realm: Annotated[str, Field(min_length=1)] | None = None
    """Realm of the challenges on every host. By default a host of `rail_hosts` is its own realm, and all other hosts
    have the host of `public_url`."""
    secret_key: Secret32 | None = None
    """Secret that signs challenges, the same on all machines: `openssl rand -base64 32`."""
    previous_secret_key: Secret32 | None = None
    """The secret before the last change; challenges signed with it are still accepted."""
    challenge_seconds: PositiveInt = 300
    """Seconds for which a quote can be paid."""
    work_margin_s: PositiveFloat = 8.0
    """Seconds that a payment must still be valid before the work begins."""
    broadcast_margin_s: PositiveFloat = 4.0
    """Seconds that a payment must still be valid before it is broadcast."""
    confirmation_timeout_s: PositiveFloat = 4.0
    """Seconds to wait for the confirmation of a broadcast before it is repeated."""
    finality_blocks: PositiveInt = 16
    """Blocks on top of a settlement that make it final; until then it is rechecked."""

    @property
    def gas_coin(self) -> str | None:
        return None

    @property
    def tokens(self) -> tuple[str, ...]:
        return self.currencies

    @property
    def quote_seconds(self) -> int:
        return self.challenge_seconds

    def secret_keys(self) -> tuple[str, ...]:
        """The secrets whose challenges are accepted; the first one issues new challenges."""
        secret = required(self.secret_key, "mpp.secret_key")
        return tuple(each.get_secret_value() for each in (secret, self.previous_secret_key) if each)

    def recipients(self) -> tuple[str, ...]:
        """The accepted recipients; the first one is quoted."""
        recipient = required(self.recipient, "mpp.recipient")
        return tuple(each for each in (recipient, self.previous_recipient) if each)

    def faults(self) -> Iterator[Fault]:
        if self.recipient is None:
            yield Fault("recipient", MISSING)
        if self.secret_key is None:
            yield Fault("secret_key", MISSING)
        if len({currency.lower() for currency in self.currencies}) < len(self.currencies):
            yield Fault("currencies", "names a token twice")
        if self.work_margin_s >= self.challenge_seconds:
            yield Fault("challenge_seconds", "must be longer than work_margin_s, or no payment can be accepted")
        if self.broadcast_margin_s >= self.work_margin_s:
            yield Fault("work_margin_s", "must be longer than broadcast_margin_s, or no payment can be broadcast")

    def faults_with_real_money(self) -> Iterator[Fault]:
        for name, address in (("recipient", self.recipient), ("previous_recipient", self.previous_recipient)):
            if is_development(address):
                yield Fault(name, "is a well-known development account")
        for name, secret in (("secret_key", self.secret_key), ("previous_secret_key", self.previous_secret_key)):
            if secret and secret.get_secret_value() == SANDBOX_SECRET:
                yield Fault(name, "is the sandbox's secret, which is public")
