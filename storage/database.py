"""A process's database: single statements, each in its own transaction."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from sqlalchemy import Column, Double, Executable, Row, Table, bindparam, func, literal, select, text, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.sql.elements import ColumnElement

from errors import LedgerUnavailable
from storage.clock import DatabaseTime
from storage.engine import POOL_SIZE, TIMEOUT_S, create_engine, create_threaded_engine, parse, unavailable
from storage.identity import Guard, read
from storage.migrations.revisions import own_revisions
from storage.threaded import Fetched, Thread, ThreadedConnection, ThreadedEngine
from storage.turns import Rank, Turns

Clock = Callable[[], float]
"""Unix seconds."""

BRIEF_TIMEOUT_S = 0.4
"""Timeout of `brief` statements; a cancelled SQLite statement also ends after this time."""


_UNLIMITED = 2**31
"""For SQLite, whose thread has its own queue."""


class Statements:
    """Runs single statements, each in its own transaction. Raises `LedgerUnavailable` on failure.

    Args:
        turns: the queue for connections.
        guard: checks before each statement that the database is still the one that was opened.
        bound_s: time limit for queueing and execution together.
        rank: priority in the queue.
    """

    def __init__(
        self,
        engine: AsyncEngine | ThreadedEngine,
        turns: Turns,
        guard: Guard,
        *,
        bound_s: float,
        rank: Rank = Rank.OTHER,
    ) -> None:
        self._engine = engine
        self._guard = guard
        self._turns = turns
        self._bound_s = bound_s
        self._rank = rank

    @cached_property
    def settling(self) -> "Statements":
        """The same statements with the priority of a settlement in progress."""
        return Statements(self._engine, self._turns, self._guard, bound_s=self._bound_s, rank=Rank.SETTLEMENT)

    async def run(self, statement: Executable, **parameters: Any) -> int:
        """Execute and commit. Returns the number of changed rows.

        A prebuilt statement with `parameters` costs a third of a statement that is built for each call.
        """
        return (await self._execute(statement, parameters)).rowcount

    async def rows(self, statement: Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """Execute and commit. Returns the rows."""
        return (await self._execute(statement, parameters)).found

    async def first(self, statement: Executable, **parameters: Any) -> Row[Any] | None:
        """Execute and commit. Returns the first row, if any."""
        found = await self.rows(statement, **parameters)
        return found[0] if found else None

    async def _execute(self, statement: Executable, parameters: Mapping[str, Any]) -> Fetched:
        with unavailable():
            async with asyncio.timeout(self._bound_s), self._turns.turn(self._rank):
                self._guard.check()
                async with self._connect() as connection:
                    await self._guard.admit(connection)
                    result = await connection.execute(statement, parameters or None)
                    return result if isinstance(result, Fetched) else Fetched.of(result)

    def _connect(self) -> AsyncConnection | ThreadedConnection:
        if isinstance(self._engine, ThreadedEngine):
            return self._engine.connect(first=self._rank is Rank.SETTLEMENT)
        return self._engine.connect()


class Database(Statements):
    """A process's database. Ledger, locks, outbox and counters share it; its owner closes it.

    Its own statements are durable: their effect survives a power cut. `forgetful` runs statements whose effect a power
    cut may undo: on SQLite their commit does not wait for the disk and is flushed with the next durable commit; on
    PostgreSQL, whose clients survive its crash, they are durable too. `brief` runs statements without a flush and with
    a short timeout. `reads` runs statements that change nothing. All share one queue, in which the statements of a
    settlement in progress (`settling`) come first.

    On SQLite one thread runs all writes in the order of this queue, because waiting in the queue is fair and wakes up
    immediately, while waiting inside SQLite is neither; reads have their own thread and do not wait for writes. On
    PostgreSQL the number of concurrent statements is the pool size; two connections are reserved for settlements and
    reads.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`; the asynchronous driver is added.
        timeout_s: limit for each wait of a durable statement, in the queue and for the database.
        brief_timeout_s: limit for all waits of a `brief` statement.
        clock: replaces the database's clock in tests.

    Raises:
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database. The message never contains the URL.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        brief_timeout_s: float = BRIEF_TIMEOUT_S,
        clock: Clock | None = None,
    ) -> None:
        parsed = parse(url)
        self._clock = clock
        self._is_sqlite = parsed.get_backend_name() == "sqlite"
        engine: AsyncEngine | ThreadedEngine
        unflushed: AsyncEngine | ThreadedEngine
        hasty: AsyncEngine | ThreadedEngine
        reading: AsyncEngine | ThreadedEngine
        self._threads = (writer, reader) = (Thread(), Thread())
        if self._is_sqlite:
            engine = create_threaded_engine(parsed, writer, timeout_s=timeout_s)
            unflushed = create_threaded_engine(parsed, writer, durable=False, timeout_s=timeout_s)
            hasty = create_threaded_engine(parsed, writer, durable=False, timeout_s=brief_timeout_s)
            reading = create_threaded_engine(parsed, reader, durable=False, timeout_s=timeout_s)
        else:
            engine = unflushed = hasty = reading = create_engine(parsed, timeout_s=timeout_s)
        turns = Turns(_UNLIMITED if self._is_sqlite else POOL_SIZE)
        guard = Guard(parsed)
        super().__init__(engine, turns, guard, bound_s=2 * timeout_s)
        self.forgetful = Statements(unflushed, turns, guard, bound_s=2 * timeout_s)
        self.brief = Statements(hasty, turns, guard, bound_s=1.2 * brief_timeout_s)
        self.reads = Statements(reading, turns, guard, bound_s=2 * timeout_s, rank=Rank.READ)
        self._engines = (engine, hasty, unflushed, reading)
        self._url = parsed

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @property
    def place(self) -> str:
        """The database's location without credentials: absolute path of a file, or host, port and name."""
        url = self._url
        return str(self._guard.path or f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}")

    async def identify(self) -> str:
        """The ledger's identity, a UUID. From now on this process accepts only this ledger.

        Raises:
            LedgerUnavailable: the database does not respond, or has not been migrated to this version.
        """
        found = await self._read_identity()
        if found is None:
            raise LedgerUnavailable("The database contains no ledger: it has not been migrated.")
        for row in await self.reads.rows(text("SELECT version_num FROM alembic_version")):
            own_revisions().check_code(row.version_num)
        self._guard.identity = self._guard.identity or found
        self._guard.compare(found)
        return found

    async def check_identity(self) -> None:
        """Raise `LedgerUnavailable` unless the database still contains the ledger that `identify` found.

        After a durable write, this reads a SQLite file afresh: it uses the other connection, whose page cache is
        invalidated by every write of the first one.
        """
        if self._guard.identity is not None:
            self._guard.compare(await self._read_identity())

    async def _read_identity(self) -> str | None:
        with unavailable():
            self._guard.check_file()
            async with self._engines[1].connect() as connection:
                return await read(connection)

    @property
    def clock(self) -> Clock:
        """This host's clock, for times that are only reported to callers."""
        return self._clock or time.time

    @property
    def now(self) -> ColumnElement[float]:
        """SQL expression: unix seconds at execution, the same on all hosts."""
        if self._clock is None:
            return DatabaseTime()
        return bindparam(None, callable_=self._clock, type_=Double(), unique=True)

    @property
    def unflushed(self) -> ColumnElement[bool]:
        """SQL expression that is always true; the commit of a statement that contains it does not wait for the disk.

        PostgreSQL reads the setting at commit. SQLite has it per connection: that of `brief` never flushes a commit.
        """
        return true() if self._is_sqlite else func.set_config("synchronous_commit", "off", True) == "off"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

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
        """INSERT, or UPDATE the row with the same primary key if `where` holds. Returns no row if nothing was written.

        Args:
            values: constants or SQL expressions, such as `now`.
            update: what the UPDATE sets; `values` if it is None.
            only_if: condition for both INSERT and UPDATE.
        """
        insert = sqlite.insert if self._is_sqlite else postgresql.insert
        columns = [table.c[name] for name in values]
        row = select(*(_expression(value, column) for value, column in zip(values.values(), columns, strict=True)))
        statement = insert(table)
        changes = {name: statement.excluded[name] for name in values} if update is None else update
        # SQLite's parser needs a WHERE between SELECT and ON CONFLICT.
        return (
            statement.from_select(columns, row.where(true() if only_if is None else only_if))
            .on_conflict_do_update(index_elements=list(table.primary_key), set_=changes, where=where)
            .returning(returning)
        )

    async def aclose(self) -> None:
        """Close all connections."""
        with unavailable():
            for engine in self._engines:
                await engine.dispose()
        for thread in self._threads:
            thread.end()


def _expression(value: Any, column: Column[Any]) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, column.type)
