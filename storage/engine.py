"""Engines for SQLite and PostgreSQL, and the only border where their errors are mapped."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, QueuePool, event, make_url
from sqlalchemy import create_engine as create_sync_engine
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from errors import LedgerUnavailable
from storage.threaded import Thread, ThreadedEngine

TIMEOUT_S = 5.0
"""How long a statement may wait for a lock, a connection or an answer."""

POOL_SIZE = 5
"""Connections of one process to PostgreSQL."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


def parse(url: str) -> URL:
    """The URL with its asynchronous driver.

    Raises:
        ValueError: see `storage.database.Database`.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number; the text may hold part of a password
        raise ValueError("the database URL cannot be read") from None
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise ValueError("the database URL must begin with sqlite:// or postgresql://")
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise ValueError("the ledger needs a SQLite file: what is in memory is neither shared nor kept")
    # asyncpg's name for libpq's `sslmode`, which hosted databases put into their URLs.
    mode = parsed.query.get("sslmode")
    if mode is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed.set(drivername=driver)


def create_engine(url: URL, *, durable: bool = True, timeout_s: float = TIMEOUT_S) -> AsyncEngine:
    """An engine on which every statement commits by itself.

    SQLite runs in WAL mode, so readers and the one writer do not wait for each other. With `durable`, a commit is
    flushed to the disk before it is reported (`synchronous=FULL`, PostgreSQL's default): a settlement that a power cut
    could make the ledger forget would be refused when the buyer asks for the picture, although the money has moved.
    """
    common: dict[str, Any] = {
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
        "hide_parameters": True,
        "max_overflow": 0,
        "pool_timeout": timeout_s,
    }
    if url.get_backend_name() == "postgresql":
        arguments = {"timeout": timeout_s, "command_timeout": timeout_s}
        return create_async_engine(url, connect_args=arguments, pool_pre_ping=True, pool_size=POOL_SIZE, **common)
    engine = create_async_engine(url, pool_size=1, **common)
    event.listen(
        engine.sync_engine, "connect", _sqlite_setup(_pragmas(durable=durable), busy_ms=round(timeout_s * 1000))
    )
    return engine


def create_threaded_engine(
    url: URL, thread: Thread, *, durable: bool = True, timeout_s: float = TIMEOUT_S
) -> ThreadedEngine:
    """The same for a SQLite file, at a fifth of the CPU time: for statements that a request waits for."""
    engine = create_sync_engine(
        url.set(drivername="sqlite"),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=1,
        max_overflow=0,
    )
    event.listen(engine, "connect", _sqlite_setup(_pragmas(durable=durable), busy_ms=round(timeout_s * 1000)))
    return ThreadedEngine(engine, thread)


def _pragmas(*, durable: bool) -> tuple[str, ...]:
    return "journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}"


def _sqlite_setup(pragmas: Sequence[str], *, busy_ms: int) -> Callable[[DBAPIConnection, object], None]:
    def setup(connection: DBAPIConnection, _: object) -> None:
        cursor = connection.cursor()
        for pragma in (f"busy_timeout={busy_ms}", *pragmas):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return setup


@contextmanager
def unavailable() -> Iterator[None]:
    """Map what the drivers raise: locked, full, read-only or broken database, lost connection, timeout.

    `IntegrityError` passes: it is an answer.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as exc:
        raise LedgerUnavailable("The ledger does not answer, and without it nothing is sold.") from exc
