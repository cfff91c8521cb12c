"""What settings cannot be right together."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from eth_utils.address import to_checksum_address

from config.profiles import DEVELOPMENT_ADDRESSES, SANDBOX_SECRET
from config.settings import MppSettings, RunnerSettings, Settings, X402Settings
from config.types import account_of, is_loopback


class Fault(NamedTuple):
    """A setting by its dotted name (`x402.pay_to`), what is wrong, and the other settings that this rests on."""

    name: str
    text: str
    others: tuple[str, ...] = ()


_MISSING = "is missing"
WANTS_A_KEY = ".cdp.coinbase.com"
"""Hosts of facilitators of which it is known that they answer no call without a CDP key's signature."""
_CODE = Path(__file__).resolve().parent.parent
_GOOD_PLACE = (
    "give postgresql://… or an absolute path on a volume, such as sqlite:////var/lib/clearcanvas/ledger.sqlite3"
)
_LOST = f"it would be lost when the code or its container is replaced; {_GOOD_PLACE}"


def faults(settings: Settings) -> Iterator[Fault]:
    """Everything that keeps these settings from selling."""
    if not (settings.x402.enabled or settings.mpp.enabled):
        yield Fault("x402.enabled", "or mpp.enabled must be true")
    if settings.x402.enabled:
        yield from _x402(settings.x402)
    if settings.mpp.enabled:
        yield from _mpp(settings.mpp)
    yield from _hosts(settings)
    yield from runner_faults(settings)
    yield from _database(settings)
    yield from _mainnet(settings) if settings.profile == "mainnet" else _play_money(settings)


def _x402(x402: X402Settings) -> Iterator[Fault]:
    if x402.rpc_url is None:
        yield Fault("x402.rpc_url", _MISSING)
    if x402.pay_to is None:
        yield Fault("x402.pay_to", _MISSING)
    if x402.facilitator_url is None and x402.settlement_key is None:
        text = "is missing, and x402.settlement_key too; set one of them"
        yield Fault("x402.facilitator_url", text, others=("x402.settlement_key",))
    yield from _facilitator(x402)
    if x402.verify_timeout_s + x402.settle_timeout_s >= x402.max_timeout_seconds:
        yield Fault("x402.max_timeout_seconds", "must be longer than verify_timeout_s and settle_timeout_s together")


def _facilitator(x402: X402Settings) -> Iterator[Fault]:
    """A facilitator and our credentials for it."""
    key = (x402.facilitator_key_id, x402.facilitator_key_secret)
    if (key[0] is None) != (key[1] is None):
        missing = "facilitator_key_id" if key[0] is None else "facilitator_key_secret"
        yield Fault(f"x402.{missing}", "is missing; a key has an id and a secret")
    if x402.facilitator_token and any(key):
        yield Fault("x402.facilitator_token", "is set beside a key; set one of them")
    if x402.facilitator_url is None or x402.settlement_key:
        return
    url = urlsplit(x402.facilitator_url)
    known = x402.facilitator_token or all(key)
    if known and url.scheme != "https" and not is_loopback(url.hostname):
        yield Fault("x402.facilitator_url", "must start with https://, because credentials are sent to it")
    if known and url.username is not None:
        yield Fault("x402.facilitator_url", "must not contain a user when a token or key is set")
    if not all(key) and (url.hostname or "").endswith(WANTS_A_KEY):
        text = "accepts only signed calls; set facilitator_key_id and facilitator_key_secret"
        yield Fault("x402.facilitator_url", text, others=("x402.facilitator_key_id", "x402.facilitator_key_secret"))


def _mpp(mpp: MppSettings) -> Iterator[Fault]:
    if mpp.rpc_url is None:
        yield Fault("mpp.rpc_url", _MISSING)
    if mpp.recipient is None:
        yield Fault("mpp.recipient", _MISSING)
    if mpp.secret_key is None:
        yield Fault("mpp.secret_key", _MISSING)
    if len({currency.lower() for currency in mpp.currencies}) < len(mpp.currencies):
        yield Fault("mpp.currencies", "names a token twice")
    if mpp.work_margin_s >= mpp.challenge_seconds:
        yield Fault("mpp.challenge_seconds", "must be longer than work_margin_s, or no payment can be accepted")
    if mpp.broadcast_margin_s >= mpp.work_margin_s:
        yield Fault("mpp.work_margin_s", "must be longer than broadcast_margin_s, or no payment can be broadcast")


def _hosts(settings: Settings) -> Iterator[Fault]:
    for host, rails in settings.rail_hosts.items():
        if host != host.lower() or "/" in host or ":" in host:
            yield Fault("rail_hosts", f"{host!r} must be a lower-case host name without port")
        for rail in rails:
            if not getattr(settings, rail).enabled:
                yield Fault("rail_hosts", f"{host!r} names {rail}, which is not enabled")


def runner_faults(settings: Settings) -> Iterator[Fault]:
    """Everything that keeps a runner from working, or others from reaching it safely; all that a runner on a host of
    its own has to know."""
    runner = settings.runner
    yield from _models(runner)
    if runner.token is None and not is_loopback(runner.host):
        yield Fault("runner.token", f"is missing, and {runner.host} can be reached from other hosts", ("runner.host",))
    far = [url for url in runner.addresses if not is_loopback(urlsplit(url).hostname)]
    if runner.token is None and far:
        yield Fault("runner.token", f"is missing, and {far[0]} is on another host", ("runner.addresses",))
    for url in runner.addresses:
        if urlsplit(url).path:
            yield Fault("runner.addresses", f"{url} must end with its port")


def _models(runner: RunnerSettings) -> Iterator[Fault]:
    names = Counter([runner.model, *(each.name for each in runner.more_models)])
    for name, count in names.items():
        if count > 1:
            yield Fault("runner.more_models", f"{name} is named twice", others=("runner.model",))


def _database(settings: Settings) -> Iterator[Fault]:
    """A ledger must outlive the code: whoever replaces a container or a folder of code would lose what was paid."""
    if settings.database_url is None:
        yield Fault("database_url", f"is missing; {_GOOD_PLACE}")
    elif settings.profile != "sandbox":
        yield from _sqlite_file(settings.ledger_url())


def _sqlite_file(url: str) -> Iterator[Fault]:
    kind, _, path = url.partition(":///")
    if not kind.startswith("sqlite"):
        return
    path = path.partition("?")[0].removeprefix("file:")
    if not path.startswith("/"):
        yield Fault("database_url", f"must be an absolute path; {_LOST}")
    elif Path(path).resolve().is_relative_to(_CODE):
        yield Fault("database_url", f"must not be inside the code folder {_CODE}; {_LOST}")


def _mainnet(settings: Settings) -> Iterator[Fault]:
    if not settings.public_url.startswith("https://"):
        yield Fault("public_url", "must start with https:// on mainnet")
    if settings.x402.enabled:
        yield from _real_x402(settings.x402)
    if settings.mpp.enabled:
        yield from _real_mpp(settings.mpp)


def _real_x402(x402: X402Settings) -> Iterator[Fault]:
    if x402.chain_id != 8453:
        yield Fault("x402.chain_id", "is a test network; Base is 8453")
    if _is_development(x402.pay_to):
        yield Fault("x402.pay_to", "is a well-known development account")
    if x402.settlement_key and _is_development(account_of(x402.settlement_key)):
        yield Fault("x402.settlement_key", "is a well-known development key")


def _real_mpp(mpp: MppSettings) -> Iterator[Fault]:
    if mpp.chain_id != 4217:
        yield Fault("mpp.chain_id", "is a test network; Tempo is 4217")
    if _is_development(mpp.recipient):
        yield Fault("mpp.recipient", "is a well-known development account")
    for name, secret in (("secret_key", mpp.secret_key), ("previous_secret_key", mpp.previous_secret_key)):
        if secret and secret.get_secret_value() == SANDBOX_SECRET:
            yield Fault(f"mpp.{name}", "is the sandbox's secret, which is public")


def _play_money(settings: Settings) -> Iterator[Fault]:
    if settings.x402.enabled and settings.x402.chain_id == 8453:
        yield Fault("x402.chain_id", "is a network with real money; use it with the profile mainnet")
    if settings.mpp.enabled and settings.mpp.chain_id == 4217:
        yield Fault("mpp.chain_id", "is a network with real money; use it with the profile mainnet")


def _is_development(address: str | None) -> bool:
    return address is not None and to_checksum_address(address) in DEVELOPMENT_ADDRESSES
