"""One database per process: durability, queueing of statements, and the number of connections."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from errors import LedgerUnavailable
from storage import Database, SqlLedger, SqlLock, SqlOutbox, SqlRateLimits
from storage.engine import POOL_SIZE
from tests.contracts.ledger_entries import RECEIPT, take
from tests.storage.stalls import stalled

WRITE = text("INSERT INTO locks (name, holder, lease_until) VALUES (:name, '', 0)")


async def test_sqlite_flushes_durable_commits_only(sqlite_url: str) -> None:
    async with Database(sqlite_url) as database:
        for statements, synchronous in ((database, 2), (database.forgetful, 1), (database.brief, 1)):
            assert [tuple(row) for row in await statements.rows(text("PRAGMA synchronous"))] == [(synchronous,)]
            assert [tuple(row) for row in await statements.rows(text("PRAGMA journal_mode"))] == [("wal",)]


async def test_locks_and_claims_do_not_wait_for_the_disk(sqlite_url: str) -> None:
    """They use the connection that does not flush; a settlement does not."""
    async with Database(sqlite_url) as database:
        await database.run(text("PRAGMA query_only = 1"))  # of the durable connection
        ledger, lock = SqlLedger(database), SqlLock(database, "key")
        claim = await take(ledger)
        assert claim
        async with lock:
            pass
        for durable in (ledger.begin_settlement(claim, lease_s=60), ledger.settled(claim.payment_id, RECEIPT)):
            with pytest.raises(LedgerUnavailable):
                await durable


async def test_postgresql_flushes_every_commit_but_the_brief_ones(postgres_url: str) -> None:
    """A durable commit leaves nothing unflushed. The server also flushes periodically."""
    lag = text("SELECT pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()")
    async with Database(postgres_url) as database:
        counters, lock = SqlRateLimits(database), SqlLock(database, "key")

        async def unflushed() -> bool:
            [(unflushed,)] = await database.rows(lag)
            return bool(unflushed)

        counted = []
        for _ in range(20):
            await counters.incr("key", 60)
            counted.append(await unflushed())
        assert any(counted)
        for _ in range(20):
            async with lock:
                assert not await unflushed()


async def test_all_stores_share_one_connection_pool(postgres_url: str) -> None:
    async with Database(postgres_url) as database, Database(postgres_url) as other:
        ledger, counters, outbox = SqlLedger(database), SqlRateLimits(database), SqlOutbox(database)
        asked: list[Callable[[], Awaitable[object]]] = [
            ledger.ping,
            lambda: counters.incr("key", 60),
            lambda: outbox.of("payment"),
        ]
        await asyncio.gather(*(ask() for ask in asked * 10))
        [(connections,)] = await other.rows(
            text(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )
        )
    assert 1 < connections <= POOL_SIZE


async def test_statements_of_one_process_do_not_contend_for_the_file(sqlite_url: str) -> None:
    """Concurrent durable and brief statements never meet SQLite's own lock."""
    async with Database(sqlite_url, timeout_s=30, brief_timeout_s=30) as database:
        for statements in (database, database.brief):
            await statements.run(text("PRAGMA busy_timeout = 0"))
        writes = [
            statements.run(WRITE.bindparams(name=f"{kind} {number}"))
            for number in range(100)
            for kind, statements in (("durable", database), ("brief", database.brief))
        ]
        assert await asyncio.gather(*writes) == [1] * 200


async def test_a_brief_statement_gives_up_while_the_file_is_locked(sqlite_url: str, tmp_path: Path) -> None:
    """A durable one that waits at the same time does not."""
    async with Database(sqlite_url, brief_timeout_s=0.1) as database:
        async with stalled(sqlite_url, ""):
            claiming = asyncio.create_task(take(SqlLedger(database)))
            with pytest.raises(LedgerUnavailable):
                await SqlRateLimits(database).incr("key", 60)
            assert not claiming.done()
        assert await claiming


async def test_a_brief_statement_gives_up_while_the_table_is_locked(postgres_url: str) -> None:
    async with Database(postgres_url, brief_timeout_s=0.1) as database:
        async with stalled(postgres_url, "rate_limits"):
            with pytest.raises(LedgerUnavailable):
                await SqlRateLimits(database).incr("key", 60)
        assert await SqlRateLimits(database).incr("key", 60) == 1


async def test_a_cancelled_statement_frees_its_place(process: Callable[[], Database]) -> None:
    database = process()
    for statements in (database, database.brief):
        for _ in range(20):
            task = asyncio.create_task(statements.rows(text("SELECT 1")))
            await asyncio.sleep(0)
            task.cancel()
        async with asyncio.timeout(5):
            assert await statements.rows(text("SELECT 1"))
