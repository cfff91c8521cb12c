"""One database, SQLite or PostgreSQL, and the only border where its errors are mapped."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, CursorResult, Executable, Row, Table, event, literal, make_url, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.sql.elements import ColumnElement

from errors import LedgerUnavailable

Clock = Callable[[], float]
"""Unix seconds. Times come from the callers' clocks, the same on SQLite and PostgreSQL; `SqlLedger` says what that asks
of several hosts."""

TIMEOUT_S = 5.0
"""How long a statement may wait for a lock, a connection or an answer."""

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}


class Database:
    """Runs single statements, each a transaction of its own, and answers `LedgerUnavailable` when it cannot.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`; the asynchronous driver is filled in.
        durable: False lets the last fraction of a second of writes be lost in a power cut, and saves a disk flush
            per statement.
        timeout_s: bound on each wait.

    Raises:
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database. Its text never holds the URL.
    """

    def __init__(
        self, url: str, *, durable: bool = True, timeout_s: float = TIMEOUT_S, clock: Clock = time.time
    ) -> None:
        self.clock = clock
        self._engine = create_engine(parse(url), durable=durable, timeout_s=timeout_s)

    async def run(self, statement: Executable) -> int:
        """Execute and commit; the number of rows that changed."""
        with unavailable():
            async with self._engine.connect() as connection:
                result: CursorResult[Any] = await connection.execute(statement)
                return result.rowcount

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """Execute and commit; the rows that came back."""
        with unavailable():
            async with self._engine.connect() as connection:
                return (await connection.execute(statement)).all()

    async def first(self, statement: Executable) -> Row[Any] | None:
        """Execute and commit; the one row that came back, if any."""
        found = await self.rows(statement)
        return found[0] if found else None

    def upsert(
        self,
        table: Table,
        values: Mapping[str, Any],
        *,
        update: Mapping[str, Any] | None = None,
        only_if: ColumnElement[bool] | None = None,
        where: ColumnElement[bool] | None = None,
        returning: ColumnElement[Any],
    ) -> Executable:
        """INSERT, or UPDATE the row with the same primary key where the condition holds; no row where it does not.

        `update` is what the UPDATE sets; the same values if it is not given.
        Where `only_if` does not hold, nothing is done at all.
        """
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        columns = [table.c[name] for name in values]
        row = select(*(literal(value, column.type) for value, column in zip(values.values(), columns, strict=True)))
        statement = insert(table)
        changes = {name: statement.excluded[name] for name in values} if update is None else update
        # SQLite cannot tell where a SELECT without a condition ends and ON CONFLICT begins.
        return (
            statement.from_select(columns, row.where(true() if only_if is None else only_if))
            .on_conflict_do_update(index_elements=list(table.primary_key), set_=changes, where=where)
            .returning(returning)
        )

    async def aclose(self) -> None:
        """Give back all connections."""
        with unavailable():
            await self._engine.dispose()


def parse(url: str) -> URL:
    """The URL with its asynchronous driver.

    Raises:
        ValueError: see `Database`.
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
        "pool_timeout": timeout_s,
    }
    if url.get_backend_name() == "postgresql":
        settings = {} if durable else {"synchronous_commit": "off"}
        arguments = {"timeout": timeout_s, "command_timeout": timeout_s, "server_settings": settings}
        return create_async_engine(
            url, connect_args=arguments, pool_pre_ping=True, pool_size=5, max_overflow=0, **common
        )
    # SQLite admits one writer at a time: waiting in this pool is fair and wakes at once, waiting in SQLite is neither.
    engine = create_async_engine(url, pool_size=1, max_overflow=0, **common)
    pragmas = ("journal_mode=WAL", f"synchronous={'FULL' if durable else 'NORMAL'}")
    event.listen(engine.sync_engine, "connect", _sqlite_setup(pragmas, busy_ms=round(timeout_s * 1000)))
    return engine


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
