"""Databases in which somebody else keeps a lock."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import make_url

from storage.engine import create_engine, parse


@asynccontextmanager
async def stalled(url: str, lock: str) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Block writes until the block ends or awaits what it is given.

    SQLite's file is locked; of PostgreSQL `lock` is, the name of a table and, if need be, a mode.
    """
    if make_url(url).get_backend_name() == "sqlite":
        async with _sqlite(Path(make_url(url).database or "")) as end:
            yield end
        return
    engine = create_engine(parse(url))
    async with engine.connect() as connection:
        await connection.exec_driver_sql("BEGIN")
        await connection.exec_driver_sql(f"LOCK TABLE {lock}")

        async def end() -> None:
            await connection.exec_driver_sql("ROLLBACK")

        yield end
        await end()
    await engine.dispose()


@asynccontextmanager
async def _sqlite(file: Path) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def end() -> None:
        if other.in_transaction:
            other.execute("ROLLBACK")

    yield end
    await end()
    other.close()
