"""An empty database becomes the present schema, once, whoever starts at the same time."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

import storage
from errors import LedgerUnavailable
from storage.engine import create_engine, parse
from storage.schema import metadata
from tests.contracts.ledger_contract import PAYMENT, taken
from tests.storage import racers


async def test_makes_the_tables_that_the_code_expects(url: str) -> None:
    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_keeps_what_is_there(url: str) -> None:
    async with storage.Database(url) as database:
        ledger = storage.SqlLedger(database)
        await taken(ledger)
        await storage.migrate(url)
        assert await ledger.find(PAYMENT.id)


def test_several_processes_may_start_at_once(empty_url: str) -> None:
    racers.race(racers.migrate, empty_url, processes=4)


async def test_makes_the_folder_of_a_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/100% new/state/ledger.sqlite3"
    await storage.migrate(url)
    async with storage.Database(url) as database:
        await storage.SqlLedger(database).ping()


async def test_refuses_a_ledger_of_a_newer_version(url: str) -> None:
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    await engine.dispose()
    with pytest.raises(LedgerUnavailable, match="newer version"):
        await storage.migrate(url)


@pytest.mark.parametrize("path", ["/proc/none/ledger.sqlite3", "/dev/null/ledger.sqlite3"])
async def test_says_when_there_is_no_place_for_it(path: str) -> None:
    with pytest.raises(LedgerUnavailable):
        await storage.migrate(f"sqlite:///{path}")
