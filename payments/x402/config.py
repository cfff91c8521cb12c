"""The settings of the x402 rail and their rules; importing this loads no SDK."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import urlsplit

from eth_utils.address import to_checksum_address
from pydantic import Field, PositiveFloat, PositiveInt, SecretStr

from payments.development_accounts import is_development
from payments.rail_info import RailSection
from settings_types import (
    MISSING,
    Address,
    ApiKeySecret,
    Fault,
    PrivateKeyHex,
    SecretUrl,
    Url,
    Whole,
    account_of,
    is_loopback,
    is_private,
    parts_of_url,
)

WANTS_A_KEY = ".cdp.coinbase.com"
"""Hosts of facilitators that only accept calls signed with a CDP key."""


class X402Config(RailSection):
    """The x402 rail: USDC on Base, settled by an HTTP facilitator, or by our own settlement key if one is set."""

    chain_id: Annotated[Literal[8453, 84532], Whole] = 84532
    """8453 is Base, 84532 is Base Sepolia."""
    fallback_rpc_url: SecretUrl | None = None
    """A second endpoint, used if the first does not respond, and to confirm the outcome of each payment."""
    asset: Address = "0x036CbD53842c5426634e7929541eC2318f3dCF7e"
    """The accepted token."""
    pay_to: Address | None = None
    """The address that receives payments."""
    previous_pay_to: Address | None = None
    """The address before the last change; payments to it from earlier quotes are still accepted."""
    facilitator_url: Url | None = None
    """HTTP facilitator that verifies and settles."""
    facilitator_token: SecretStr | None = None
    """Bearer token for the facilitator, if it requires one."""
    facilitator_key_id: str | None = None
    """Name or id of the CDP API key that signs each call to the facilitator, if it requires signed calls."""
    facilitator_key_secret: ApiKeySecret | None = None
    """Secret of this key: the Base64 of an Ed25519 key, or an EC P-256 key in PEM with its line ends as `\\n`."""
    settlement_key: PrivateKeyHex | None = None
    """Private key that settles directly on the chain, without a facilitator; its account pays the gas."""
    signer_url: SecretUrl | None = None
    """Remote signer (JSON-RPC, `eth_signTransaction`) that holds the settlement key, in place of `SETTLEMENT_KEY`."""
    signer_address: Address | None = None
    """The account that it signs for, which pays the gas."""
    signer_token: SecretStr | None = None
    """Bearer token for the signer, if it requires one."""
    signer_timeout_s: Annotated[float, Field(gt=0, le=2)] = 1.5
    """Seconds to wait for one signature, at most 2: all settlements of the account wait meanwhile."""
    bump_after_s: PositiveFloat = 15.0
    """Seconds after which a transaction of the settlement key that is in no block yet is sent with higher fees."""
    eth_usd: Annotated[Decimal, Field(gt=0, allow_inf_nan=False)] = Decimal(4000)
    """Price of one ETH in US dollars, to calculate the cost of gas; rather too high than too low."""
    max_fee_share: Annotated[Decimal, Field(gt=0, le=1, allow_inf_nan=False)] = Decimal("0.5")
    """Maximum cost of a settlement before the work begins, as a share of the payment; after the work it may cost the
    whole payment."""
    max_fee_gwei: PositiveFloat = 1.0
    """Maximum fee per gas in gwei of the settlement key's transactions, independent of the payment; a settlement uses
    about 80,000 gas."""
    max_timeout_seconds: PositiveInt = 120
    """Requested validity of a payment, in seconds."""
    verify_timeout_s: PositiveFloat = 8.0
    """Seconds to wait for a verification."""
    settle_timeout_s: PositiveFloat = 30.0
    """Seconds to wait for a settlement before it counts as unknown."""

    @property
    def service_accounts(self) -> tuple[str, ...]:
        keys = () if self.settlement_key is None else (account_of(self.settlement_key),)
        return keys if self.signer_address is None else (*keys, to_checksum_address(self.signer_address))

    @property
    def settles_itself(self) -> bool:
        """Whether it settles with a key of its own, without a facilitator."""
        return self.settlement_key is not None or self.signer_url is not None

    @property
    def tokens(self) -> tuple[str, ...]:
        return (self.asset,)

    @property
    def quote_seconds(self) -> int:
        return self.max_timeout_seconds

    def secrets(self) -> Iterator[str]:
        """The secrets of the section, including parts of the facilitator's URL that may be a key."""
        yield from super().secrets()
        yield from parts_of_url(self.facilitator_url or "")

    def faults(self) -> Iterator[Fault]:
        if self.pay_to is None:
            yield Fault("pay_to", MISSING)
        if self.facilitator_url is None and not self.settles_itself:
            text = "is missing, and x402.settlement_key and x402.signer_url too; set one of them"
            yield Fault("facilitator_url", text, others=("settlement_key", "signer_url"))
        yield from self._facilitator_faults()
        yield from self._signer_faults()
        if self.verify_timeout_s + self.settle_timeout_s >= self.max_timeout_seconds:
            yield Fault("max_timeout_seconds", "must be longer than verify_timeout_s and settle_timeout_s together")

    def faults_with_real_money(self) -> Iterator[Fault]:
        for name in ("pay_to", "previous_pay_to", "signer_address"):
            if is_development(getattr(self, name)):
                yield Fault(name, "is a well-known development account")
        if self.settlement_key and is_development(account_of(self.settlement_key)):
            yield Fault("settlement_key", "is a well-known development key")

    def _facilitator_faults(self) -> Iterator[Fault]:
        """Faults of the facilitator's URL and our credentials for it."""
        key = (self.facilitator_key_id, self.facilitator_key_secret)
        if (key[0] is None) != (key[1] is None):
            missing = "facilitator_key_id" if key[0] is None else "facilitator_key_secret"
            yield Fault(missing, "is missing; a key has an id and a secret")
        if self.facilitator_token and any(key):
            yield Fault("facilitator_token", "is set beside a key; set one of them")
        if self.facilitator_url is None or self.settles_itself:
            return
        url = urlsplit(self.facilitator_url)
        known = self.facilitator_token or all(key)
        if known and url.scheme != "https" and not is_loopback(url.hostname):
            yield Fault("facilitator_url", "must start with https://, because credentials are sent to it")
        if known and url.username is not None:
            yield Fault("facilitator_url", "must not contain a user when a token or key is set")
        if not all(key) and (url.hostname or "").endswith(WANTS_A_KEY):
            text = "accepts only signed calls; set facilitator_key_id and facilitator_key_secret"
            yield Fault("facilitator_url", text, others=("facilitator_key_id", "facilitator_key_secret"))

    def _signer_faults(self) -> Iterator[Fault]:
        if self.signer_url is None:
            if self.signer_address is not None or self.signer_token is not None:
                yield Fault("signer_url", "is missing, and its address or token is set")
            return
        if self.settlement_key is not None:
            text = "is set beside settlement_key; set one of them (the profile sandbox has a key of its own)"
            yield Fault("signer_url", text, others=("settlement_key",))
        if self.signer_address is None:
            yield Fault("signer_address", "is missing; it is the account that the signer at signer_url signs for")
        url = urlsplit(self.signer_url.get_secret_value())
        if url.scheme != "https" and not (url.scheme == "http" and is_private(url.hostname)):
            text = (
                "must start with https://, or with http:// and a host in a private network, because it signs for anyone"
            )
            yield Fault("signer_url", text)
        if self.signer_token is not None and url.username is not None:
            yield Fault("signer_url", "must not contain a user when a token is set")
