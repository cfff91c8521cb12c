"""Another slow writer of the database: SQLite's write lock, PostgreSQL's table lock."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, closing, suppress
from pathlib import Path
from random import Random

import asyncpg  # type: ignore[import-untyped]  # ships no types

HoldLock = Callable[[], AbstractAsyncContextManager[None]]
"""Block all other writers of the ledger during the block. Raises OSError if the lock is not available."""

_PAUSE_S = (3.0, 15.0)
_SHORT_S = (0.1, 2.0)
_LONG_S = (5.5, 8.0)  # longer than the ledger waits
_BEYOND_LEASE_S = (10.0, 12.0)  # longer than a claim's lease, too


def sqlite_lock(path: Path) -> HoldLock:
    """The write lock of a file."""

    @asynccontextmanager
    async def hold() -> AsyncIterator[None]:
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as connection:
            for _ in range(2000):
                with suppress(sqlite3.OperationalError):  # another writer
                    connection.execute("BEGIN IMMEDIATE")
                    break
                await asyncio.sleep(0.01)
            else:
                raise OSError("somebody else holds the write lock")
            yield
            connection.execute("ROLLBACK")

    return hold


def postgres_lock(url: str) -> HoldLock:
    """A lock on the payments that excludes writers; not through the proxy."""

    @asynccontextmanager
    async def hold() -> AsyncIterator[None]:
        connection = await asyncpg.connect(url)
        try:
            async with connection.transaction():
                await connection.execute("LOCK TABLE payments IN SHARE ROW EXCLUSIVE MODE")
                yield
        finally:
            await connection.close()

    return hold


async def keep_locking(hold: HoldLock, random: Random, tally: Counter[str]) -> None:
    """Hold the lock repeatedly until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*_PAUSE_S))
        name, seconds = random.choices(
            [("short", _SHORT_S), ("long", _LONG_S), ("longer than a lease", _BEYOND_LEASE_S)], weights=(12, 3, 1)
        )[0]
        with suppress(OSError):
            async with hold():
                await asyncio.sleep(random.uniform(*seconds))
                tally[f"database: lock, {name}"] += 1
