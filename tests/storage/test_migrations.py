"""An empty database is brought to the present schema once, even with concurrent starts."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text

import storage
from errors import LedgerUnavailable
from payments.ledger import State
from storage.engine import create_engine, parse
from storage.schema import metadata
from tests.contracts.ledger_entries import PAYMENT, RECEIPT, SOLD, taken
from tests.storage import racers


async def test_creates_the_tables_of_the_code(empty_url: str) -> None:
    await storage.migrate(empty_url)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    engine = create_engine(parse(empty_url))
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


async def test_keeps_existing_rows(url: str) -> None:
    async with storage.Database(url) as database:
        ledger = storage.SqlLedger(database)
        await taken(ledger)
        await storage.migrate(url)
        assert await ledger.find(PAYMENT.id)


async def test_keeps_payments_of_an_earlier_version(empty_url: str) -> None:
    """In every state. Settled payments are due for a recheck; no others are."""
    engine = create_engine(parse(empty_url))
    async with engine.connect() as connection:
        await connection.run_sync(upgrade, "0003")
        for state in State:
            await connection.execute(OLD_PAYMENT, old_payment(state))
    await engine.dispose()
    await storage.migrate(empty_url)
    async with storage.Database(empty_url) as database:
        ledger = storage.SqlLedger(database)
        entries = [await ledger.find(state) for state in State]
        assert [entry and (entry.state, entry.payment.amount) for entry in entries] == [(state, 10) for state in State]
        assert [entry and entry.receipt for entry in entries] == [None, None, RECEIPT]
        rows = await database.rows(text("SELECT state, recheck_at, final_at FROM payments WHERE recheck_at > 0"))
        assert [tuple(row) for row in rows] == [("settled", 17.5, None)]
        rows = await database.rows(text("SELECT state, settling_since FROM payments WHERE settling_since > 0"))
        assert [tuple(row) for row in rows] == [("settling", 30.0)]
        assert await database.identify()
        await ledger.ping()


async def test_goes_back_to_the_version_without_receipts(url: str) -> None:
    """And forward again: payments stay, what their receipts say is lost."""
    async with storage.Database(url) as database:
        ledger = storage.SqlLedger(database)
        assert await ledger.begin_settlement(await taken(ledger), lease_s=60, sold=SOLD)
        assert await ledger.settled(PAYMENT.id, RECEIPT)
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        await connection.run_sync(downgrade, "0007")
        columns = await connection.run_sync(
            lambda sync: {each["name"] for each in inspect(sync).get_columns("payments")}
        )
    await engine.dispose()
    assert columns.isdisjoint({"sold", "receipt_id"})
    await storage.migrate(url)
    async with storage.Database(url) as database:
        entry = await storage.SqlLedger(database).find(PAYMENT.id)
    assert entry is not None
    assert (entry.receipt, entry.sold) == (RECEIPT, None)


def upgrade(connection: Connection, revision: str) -> None:
    """Bring a database to the schema of an earlier version."""
    command.upgrade(revisions(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Bring a database back to the schema of an earlier version."""
    command.downgrade(revisions(connection), revision)


def revisions(connection: Connection) -> Config:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(storage.migrations.__file__).parent))
    return config


OLD_PAYMENT = text(
    "INSERT INTO payments (id, rail, payer, amount, valid_before, evidence, state, fingerprint, order_digest, holder,"
    " lease_until, deliveries, receipt, settled_at)"
    " VALUES (:state, 'x402', '0xpayer', '10', '20', '{}', :state, '', '', '', 30.0, 1, :receipt, :settled_at)"
)


def old_payment(state: State) -> dict[str, object]:
    settled = state is State.SETTLED
    receipt = json.dumps(asdict(RECEIPT)) if settled else None
    return {"state": state.value, "receipt": receipt, "settled_at": 17.5 if settled else None}


def test_several_processes_may_start_at_once(empty_url: str) -> None:
    racers.race(racers.migrate, empty_url, processes=4)


async def test_creates_the_folder_of_a_sqlite_file(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/100% new/state/ledger.sqlite3"
    await storage.migrate(url)
    async with storage.Database(url) as database:
        await storage.SqlLedger(database).ping()


async def test_rejects_a_ledger_of_a_newer_version(url: str) -> None:
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        await connection.execute(text("UPDATE ledger SET oldest_code = '9999'"))
    await engine.dispose()
    with pytest.raises(LedgerUnavailable, match="newer version"):
        await storage.migrate(url)


@pytest.mark.parametrize("path", ["/proc/none/ledger.sqlite3", "/dev/null/ledger.sqlite3"])
async def test_a_path_that_cannot_be_created_is_reported(path: str) -> None:
    with pytest.raises(LedgerUnavailable):
        await storage.migrate(f"sqlite:///{path}")
