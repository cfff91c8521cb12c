"""Checks of combinations of settings, besides those of each section."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from config.settings import Settings
from payments import RailInfo, RailSection, read_addresses
from settings_types import MISSING, Fault

_CODE = Path(__file__).resolve().parent.parent
_GOOD_PLACE = (
    "give postgresql://… or an absolute path on a volume, such as sqlite:////var/lib/clearcanvas/ledger.sqlite3"
)
_LOST = f"it would be lost when the code or its container is replaced; {_GOOD_PLACE}"


def faults(settings: Settings) -> Iterator[Fault]:
    """All faults that prevent selling with these settings."""
    yield from _rails(settings)
    yield from _hosts(settings)
    yield from _previous_prices(settings)
    yield from _denied_payers(settings)
    yield from runner_faults(settings)
    yield from _database(settings)
    for fault in settings.receipts.faults(is_sandbox=settings.profile == "sandbox"):
        yield fault.within("receipts")
    if settings.is_real and not settings.public_url.startswith("https://"):
        yield Fault("public_url", "must start with https:// on mainnet")


def runner_faults(settings: Settings) -> Iterator[Fault]:
    """All faults that prevent a runner on its own host from starting."""
    for fault in settings.runner.faults():
        yield fault.within("runner")
    for fault in settings.traces.faults():
        yield fault.within("traces")


def _rails(settings: Settings) -> Iterator[Fault]:
    if not settings.enabled_rails():
        first, *others = (f"{info.name}.enabled" for info, _ in settings.rails())
        yield Fault(first, f"{' '.join(f'or {each}' for each in others)} must be true".strip())
    for info, section in settings.enabled_rails():
        for fault in _rail(info, section, is_real=settings.is_real):
            yield fault.within(info.name)


def _rail(info: RailInfo[Any], section: RailSection, *, is_real: bool) -> Iterator[Fault]:
    if section.rpc_url is None:
        yield Fault("rpc_url", MISSING)
    yield from section.faults()
    if is_real:
        yield from section.faults_with_real_money()
    if is_real and not info.networks[section.chain_id].is_real:
        real = ", ".join(f"{each.name} is {number}" for number, each in info.networks.items() if each.is_real)
        yield Fault("chain_id", f"is a test network; {real}")
    if not is_real and info.networks[section.chain_id].is_real:
        yield Fault("chain_id", "is a network with real money; use it with the profile mainnet")


def _hosts(settings: Settings) -> Iterator[Fault]:
    known = {info.name: section.enabled for info, section in settings.rails()}
    for host, rails in settings.rail_hosts.items():
        if host != host.lower() or "/" in host or ":" in host:
            yield Fault("rail_hosts", f"{host!r} must be a lower-case host name without port")
        for rail in rails:
            if rail not in known:
                yield Fault("rail_hosts", f"{host!r} names {rail!r}, which must be one of {', '.join(known)}")
            elif not known[rail]:
                yield Fault("rail_hosts", f"{host!r} names {rail}, which is not enabled")


def _previous_prices(settings: Settings) -> Iterator[Fault]:
    prices = settings.model_prices()
    for each in settings.previous_prices:
        if each.usd is None:
            yield Fault("previous_prices", f"{each.name!r} must be NAME=PRICE")
        if each.name not in prices:
            yield Fault("previous_prices", f"names {each.name!r}, which must be one of {', '.join(prices)}")


def _denied_payers(settings: Settings) -> Iterator[Fault]:
    try:
        if settings.denied_payers is not None:
            read_addresses(settings.denied_payers)
    except OSError as error:
        yield Fault("denied_payers", f"names a file that cannot be read: {error.strerror}")
    except ValueError as error:
        yield Fault("denied_payers", str(error))


def _database(settings: Settings) -> Iterator[Fault]:
    """The ledger must not be inside the code: replacing a container or a code folder would lose the payments."""
    if settings.database_url is None:
        yield Fault("database_url", f"{MISSING}; {_GOOD_PLACE}")
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
