"""Engines for SQLite and PostgreSQL, and the mapping of their errors."""

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
"""Maximum wait of a statement for a lock, a connection or a response."""

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
    except (ArgumentError, ValueError):  # for example an invalid port; the message may contain part of a password
        raise ValueError("the database URL cannot be read") from None
    driver = _DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise ValueError("the database URL must start with sqlite:// or postgresql://")
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise ValueError("the ledger needs a SQLite file: an in-memory database is neither shared nor persistent")
    # asyncpg calls libpq's `sslmode` `ssl`; hosted databases use `sslmode` in their URLs.
    mode = parsed.query.get("sslmode")
    if mode is not None:
        parsed = parsed.difference_update_query(["sslmode"]).update_query_dict({"ssl": mode})
    return parsed.set(drivername=driver)


def create_engine(url: URL, *, durable: bool = True, timeout_s: float = TIMEOUT_S) -> AsyncEngine:
    """An engine with autocommit.

    SQLite runs in WAL mode, so readers and the writer do not block each other. With `durable`, a commit is flushed to
    the disk before it returns (`synchronous=FULL`, PostgreSQL's default): if a power cut could lose a settlement, the
    buyer's re-send would be rejected although the money has moved.
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
    """An engine for a SQLite file that needs a fifth of the CPU time per statement."""
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
    """Map the drivers' errors (locked, full, read-only or damaged database, lost connection, timeout).

    `IntegrityError` is not mapped: it is a valid result.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as exc:
        raise LedgerUnavailable("The payment ledger is unavailable.") from exc
