"""The SQL ledger fulfils the ledger's contract on both databases, between processes, and reports failures."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from errors import LedgerUnavailable
from payments.ledger import Ledger
from sandbox.process import choose_port
from storage import Database, SqlLedger
from storage.engine import create_engine, parse
from tests.contracts.ledger_contract import LedgerContract
from tests.contracts.ledger_entries import take
from tests.fakes.postgres import PostgresServer
from tests.storage.racers import claim_often, claim_until_full, race


class TestSqlLedger(LedgerContract):
    @pytest.fixture
    def build(self, process: Callable[[], Database]) -> Callable[[], Ledger]:
        return lambda: SqlLedger(process())


def test_two_processes_win_each_payment_once(url: str) -> None:
    """40 claims of each of 5 payments, 20 by each process, at the same moment."""
    wins = race(claim_often, url, 5, 20)
    assert [sum(both) for both in zip(*wins, strict=True)] == [1] * 5


@asynccontextmanager
async def somebody_else(url: str) -> AsyncIterator[AsyncConnection]:
    """A connection that is not the ledger's."""
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        yield connection
    await engine.dispose()


async def assert_unavailable(url: str) -> None:
    """Reading and writing fail with one error, whose text does not name the database."""
    async with Database(url, timeout_s=0.3) as database:
        ledger = SqlLedger(database)
        for attempt in (ledger.ping(), take(ledger)):
            with pytest.raises(LedgerUnavailable) as refusal:
                await attempt
            assert not {"sqlite", "postgres", "secret", "127.0.0.1", "/"} & set(refusal.value.detail.lower().split())
            assert "://" not in refusal.value.detail


async def test_a_locked_file_is_reported(sqlite_url: str, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        await assert_unavailable(sqlite_url)
        other.execute("ROLLBACK")
    other.close()


async def test_a_read_only_file_is_reported(sqlite_url: str) -> None:
    await assert_unavailable(sqlite_url.replace("sqlite:///", "sqlite:///file:") + "?mode=ro&uri=true")


async def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    await assert_unavailable(f"sqlite:///{tmp_path}/no/such/folder.sqlite3")


async def test_an_invalid_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken.sqlite3").write_bytes(b"not a database" * 1000)
    await assert_unavailable(f"sqlite:///{tmp_path / 'broken.sqlite3'}")


async def test_missing_tables_are_reported(empty_url: str) -> None:
    await assert_unavailable(empty_url)


def test_granted_claims_survive_a_full_disk(sqlite_url: str) -> None:
    [(granted, kept, works_again)] = race(claim_until_full, sqlite_url, 100_000, processes=1)
    assert granted > 0
    assert kept == granted
    assert works_again


async def test_an_unreachable_server_is_reported() -> None:
    await assert_unavailable(f"postgresql://ledger:secret@127.0.0.1:{choose_port(0)}/ledger")


@pytest.mark.parametrize("wrong", ["nobody:secret@{}/postgres", "ledger:secret@{}/no_such_database"])
async def test_a_rejected_login_is_reported(postgres: PostgresServer, wrong: str) -> None:
    await assert_unavailable("postgresql://" + wrong.format(f"127.0.0.1:{postgres.port}"))


async def test_the_wait_for_a_locked_table_is_limited(postgres_url: str) -> None:
    async with somebody_else(postgres_url) as other:
        await other.exec_driver_sql("BEGIN")
        await other.exec_driver_sql("LOCK TABLE payments, locks")
        async with asyncio.timeout(5):
            await assert_unavailable(postgres_url)


async def test_continues_after_the_server_dropped_its_connections(postgres_url: str) -> None:
    async with Database(postgres_url) as database:
        ledger = SqlLedger(database)
        await ledger.ping()
        async with somebody_else(postgres_url) as other:
            await other.exec_driver_sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
            )
        assert await take(ledger)
