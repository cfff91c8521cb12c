"""Settings → payment rails, for the service and for the operator's command line."""

from functools import partial
from urllib.parse import urlsplit

from config import Settings
from payments import Price, Rail, RailDependencies
from settings_types import required
from storage import Database, SqlLock, SqlOutbox


def build_rails(settings: Settings, database: Database, ledger_id: str) -> tuple[Rail, ...]:
    """The enabled rails, in the order of the quote. The caller closes them."""
    return tuple(
        info.build(section, dependencies(settings, info.name, database, ledger_id))
        for info, section in settings.enabled_rails()
    )


def dependencies(settings: Settings, rail: str, database: Database, ledger_id: str) -> RailDependencies:
    """The dependencies of a rail."""
    """The dependencies of a rail."""
    return RailDependencies(
        lock=partial(SqlLock, database),
        outbox=SqlOutbox(database),
        ledger_id=ledger_id,
        host=required(urlsplit(settings.public_url).hostname, "the host of public_url"),
        hosts=tuple(host for host, rails in settings.rail_hosts.items() if rail in rails),
        highest_price=Price(max(settings.model_prices().values())),
    )
