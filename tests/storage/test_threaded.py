"""SQLite in a dedicated thread: the differences from an asynchronous driver."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from errors import LedgerUnavailable
from storage import Database
from storage.engine import create_threaded_engine, parse
from storage.threaded import Thread

WRITE = text("INSERT INTO locks (name, holder, lease_until) VALUES (:name, '', 0)")
COUNT = text("SELECT count(*) FROM locks")


def threads() -> set[threading.Thread]:
    """Of SQLite engines."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("sqlite")}


async def test_a_statement_does_not_block_the_event_loop(sqlite_url: str, tmp_path: Path) -> None:
    """It waits for the file in its thread, and the event loop continues."""
    async with Database(sqlite_url, timeout_s=5) as database:
        with sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(database.run(WRITE, name="one"))
            for _ in range(20):
                await asyncio.sleep(0.01)
            assert not writing.done()
            other.execute("ROLLBACK")
        other.close()
        assert await writing == 1


async def test_a_cancelled_statement_runs_to_completion_before_the_next_one(sqlite_url: str, tmp_path: Path) -> None:
    """A cancellation does not prove that nothing was written."""
    async with Database(sqlite_url, timeout_s=5) as database:
        with sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(database.run(WRITE, name="one"))
            await asyncio.sleep(0.1)
            writing.cancel()
            next_one = asyncio.create_task(database.run(WRITE, name="two"))
            await asyncio.sleep(0.1)
            other.execute("ROLLBACK")
        other.close()
        assert await next_one == 1
        assert [tuple(row) for row in await database.rows(COUNT)] == [(2,)]


async def test_file_errors_are_an_unavailable_ledger(tmp_path: Path) -> None:
    async with Database(f"sqlite:///{tmp_path}/ledger.sqlite3") as database:
        (tmp_path / "ledger.sqlite3").write_bytes(b"no database, " * 100)
        with pytest.raises(LedgerUnavailable):
            await database.rows(COUNT)


async def test_the_thread_ends_with_the_database_and_restarts_on_use(sqlite_url: str) -> None:
    database, before = Database(sqlite_url), threads()
    for _ in range(2):
        for statements in (database, database.brief):
            assert [tuple(row) for row in await statements.rows(COUNT)] == [(0,)]
        own = threads() - before  # one of an earlier test may be ending
        assert len(own) == 1
        await database.aclose()
        async with asyncio.timeout(5):
            while own & threads():  # noqa: ASYNC110 - a thread tells nobody that it ends
                await asyncio.sleep(0.01)


async def test_the_info_of_a_connection_ends_with_it(sqlite_url: str) -> None:
    thread = Thread()
    engine = create_threaded_engine(parse(sqlite_url), thread)
    noted = []
    for _ in range(3):
        async with engine.connect() as connection:
            noted.append(connection.sync_connection.info.get("noted"))
            await connection.execute(COUNT)
        async with engine.connect() as connection:
            connection.info["noted"] = True
        if len(noted) == 2:
            await engine.dispose()
    assert noted == [None, True, None]
    await engine.dispose()
    thread.end()
