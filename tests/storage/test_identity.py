"""A process works only with the ledger that it opened."""

import asyncio
import shutil
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

import storage
from errors import LedgerUnavailable
from payments.rail import NO_HOLD
from storage import Database, SqlLedger, SqlLock, SqlOutbox, SqlRateLimits
from tests.contracts.ledger_entries import PAYMENT, take
from tests.contracts.outbox_contract import SENT
from tests.fakes.postgres import PostgresServer
from tests.storage import racers


async def test_all_processes_see_one_identity(process: Callable[[], Database]) -> None:
    identities = [await process().identify() for _ in range(3)]
    assert len(set(identities)) == 1
    assert str(uuid.UUID(identities[0])) == identities[0]


async def test_every_ledger_has_its_own(tmp_path: Path) -> None:
    identities = set()
    for number in range(3):
        url = f"sqlite:///{tmp_path / str(number)}"
        await storage.migrate(url)
        async with Database(url) as database:
            identities.add(await database.identify())
    assert len(identities) == 3


async def test_keeps_its_identity_when_it_is_migrated_again(url: str, process: Callable[[], Database]) -> None:
    before = await process().identify()
    await storage.migrate(url)
    assert await process().identify() == before


def test_processes_that_start_together_agree_on_the_identity(empty_url: str) -> None:
    assert len(set(racers.race(racers.migrate_and_identify, empty_url, processes=4))) == 1


def test_the_place_has_no_credentials(tmp_path: Path) -> None:
    with chdir(tmp_path):
        assert Database("sqlite:///state/ledger.sqlite3").place == f"{tmp_path}/state/ledger.sqlite3"
    assert Database("postgresql://user:secret@host/name?sslmode=require").place == "host:5432/name"


async def test_a_ledger_without_its_row_is_unavailable(url: str) -> None:
    async with Database(url) as database:
        await database.run(text("DELETE FROM ledger"))
        with pytest.raises(LedgerUnavailable, match="migrated"):
            await database.identify()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
async def opened(sqlite_url: str) -> AsyncIterator[Database]:
    """A SQLite ledger in use: its file is open."""
    async with Database(sqlite_url) as database:
        await database.identify()
        await SqlLedger(database).ping()
        await SqlRateLimits(database).incr("key", 60)
        yield database


def delete(path: Path) -> None:
    path.unlink()


def move(path: Path, target: Path) -> Path:
    return path.rename(target)


def size(path: Path) -> int | None:
    """Bytes; None where there is no file."""
    return path.stat().st_size if path.exists() else None


async def another(folder: Path) -> Path:
    """Another ledger's file."""
    await storage.migrate(f"sqlite:///{folder / 'other.sqlite3'}")
    return folder / "other.sqlite3"


async def assert_rejects_everything(database: Database, reason: str = "ledger") -> None:
    ledger, payment = SqlLedger(database), replace(PAYMENT, id="new", transaction=None)
    attempts: list[Callable[[], Awaitable[object]]] = [
        ledger.ping,
        lambda: take(ledger, payment),
        lambda: ledger.find("new"),
        lambda: SqlOutbox(database).record(SENT, NO_HOLD),
        SqlLock(database, "key").__aenter__,
        lambda: SqlRateLimits(database).incr("key", 60),
    ]
    for attempt in attempts:
        with pytest.raises(LedgerUnavailable, match=reason):
            await attempt()


async def test_rejects_everything_after_its_file_was_deleted(opened: Database, path: Path) -> None:
    delete(path)
    await assert_rejects_everything(opened, "removed or replaced")
    assert size(path) is None  # nobody made a new, empty one


async def test_rejects_everything_after_its_file_was_replaced_by_an_empty_one(opened: Database, path: Path) -> None:
    delete(path)
    path.touch()  # noqa: ASYNC240 - a test may wait
    await assert_rejects_everything(opened, "removed or replaced")
    assert size(path) == 0


async def test_rejects_everything_after_its_file_was_replaced_by_another_ledger(opened: Database, path: Path) -> None:
    move(await another(path.parent), path)
    await assert_rejects_everything(opened, "removed or replaced")


async def test_detects_another_ledger_in_its_own_file(opened: Database, path: Path) -> None:
    """The file's name and inode are the same: only the identity differs."""
    shutil.copyfile(await another(path.parent), path)
    with pytest.raises(LedgerUnavailable):
        await SqlLedger(opened).ping()
    await assert_rejects_everything(opened)


async def test_continues_when_its_file_is_restored(opened: Database, path: Path) -> None:
    away = move(path, path.with_suffix(".away"))
    await assert_rejects_everything(opened, "removed or replaced")
    move(away, path)
    await SqlLedger(opened).ping()
    assert await take(SqlLedger(opened))


async def test_a_restored_copy_needs_a_restart(opened: Database, sqlite_url: str, path: Path) -> None:
    """Its rows are older than what this process has reported."""
    identity = await opened.identify()
    copy = shutil.copyfile(path, path.with_suffix(".copy"))
    delete(path)
    move(copy, path)
    await assert_rejects_everything(opened, "restarted")
    async with Database(sqlite_url) as restarted:
        assert await restarted.identify() == identity
        await SqlLedger(restarted).ping()


async def test_a_lost_connection_does_not_create_a_new_file(opened: Database, path: Path) -> None:
    writing = asyncio.create_task(opened.rows(text("SELECT 1")))
    await asyncio.sleep(0)
    writing.cancel()
    delete(path)
    await asyncio.wait({writing})
    await assert_rejects_everything(opened, "removed or replaced")
    assert size(path) is None


async def test_detects_another_ledger_in_the_same_database(postgres_url: str) -> None:
    async with Database(postgres_url) as database, Database(postgres_url) as operator:
        identity = await database.identify()
        await operator.run(text("UPDATE ledger SET id = 'other'"))
        with pytest.raises(LedgerUnavailable, match="another ledger"):
            await SqlLedger(database).ping()
        await assert_rejects_everything(database, "another ledger")
        await operator.run(text("UPDATE ledger SET id = :id").bindparams(id=identity))
        await SqlLedger(database).ping()
        assert await take(SqlLedger(database))


async def test_detects_a_replaced_server(postgres: PostgresServer, postgres_url: str) -> None:
    """Without a health check: every new connection is checked."""
    away = postgres_url.rpartition("/")[2]
    other_url = postgres.new_database()
    await storage.migrate(other_url)
    async with Database(postgres_url) as database, Database(f"{postgres_url.rpartition('/')[0]}/postgres") as operator:
        await database.identify()
        other = other_url.rpartition("/")[2]
        for statement in (
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()",
            f"ALTER DATABASE {away} RENAME TO {away}_away",
            f"ALTER DATABASE {other} RENAME TO {away}",
        ):
            await operator.run(text(statement))
        with pytest.raises(LedgerUnavailable, match="another ledger"):
            await take(SqlLedger(database))
        await assert_rejects_everything(database, "another ledger")
