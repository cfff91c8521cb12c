"""The one database of a process: single statements, each a transaction of its own."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from types import TracebackType
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

PATIENCE_S = 0.4
"""The same for a statement that is not worth waiting for; a cancelled SQLite statement ends after this time, too."""


_MANY = 2**31
"""Where the thread's own queue gives the turns."""


class Statements:
    """Runs single statements, each a transaction of its own, and answers `LedgerUnavailable` when it cannot.

    Args:
        turns: who has to wait for a connection waits in it.
        guard: is asked before each statement whether the database is still the one that was opened.
        bound_s: bound on turn and statement together.
        rank: who is let through first.
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
        """The same for a settlement under way: its statements go before those of others."""
        return Statements(self._engine, self._turns, self._guard, bound_s=self._bound_s, rank=Rank.SETTLEMENT)

    async def run(self, statement: Executable, **parameters: Any) -> int:
        """Execute and commit; the number of rows that changed.

        A statement that is built once and given its values as `parameters` costs a third of one that is built anew.
        """
        return (await self._execute(statement, parameters)).rowcount

    async def rows(self, statement: Executable, **parameters: Any) -> Sequence[Row[Any]]:
        """Execute and commit; the rows that came back."""
        return (await self._execute(statement, parameters)).found

    async def first(self, statement: Executable, **parameters: Any) -> Row[Any] | None:
        """Execute and commit; the one row that came back, if any."""
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
    """The one database of a process: ledger, lock, outbox and counters share it, and its owner closes it.

    Its statements are durable: what they answered outlives a power cut. `forgetful` runs those whose effect may end
    with the machine: on SQLite their commit does not wait for the disk, and the next durable commit takes it along. On
    PostgreSQL, whose clients outlive it, they are durable, too. `brief` runs statements that are neither worth a flush
    of the disk nor a long wait. `reads` runs those that change nothing. All take their turns from one queue, in which
    the statements of a settlement under way (`settling`) go first. On SQLite a single one that writes runs at a time,
    in one thread whose queue this is, because waiting there is fair and wakes at once, and waiting in SQLite is
    neither; reads have a thread of their own, and wait for no write. On PostgreSQL as many run as the one pool has
    connections; the last two are kept for settlements and reads.

    Args:
        url: `sqlite:///path` or `postgresql://user:password@host/name`; the asynchronous driver is filled in.
        timeout_s: bound on each wait of a durable statement, for its turn and for the database.
        patience_s: bound on all that a brief one waits for.
        clock: judges in place of the database's own clock, for tests in which time passes when told.

    Raises:
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database. Its text never holds the URL.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
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
            hasty = create_threaded_engine(parsed, writer, durable=False, timeout_s=patience_s)
            reading = create_threaded_engine(parsed, reader, durable=False, timeout_s=timeout_s)
        else:
            engine = unflushed = hasty = reading = create_engine(parsed, timeout_s=timeout_s)
        turns = Turns(_MANY if self._is_sqlite else POOL_SIZE)
        guard = Guard(parsed)
        super().__init__(engine, turns, guard, bound_s=2 * timeout_s)
        self.forgetful = Statements(unflushed, turns, guard, bound_s=2 * timeout_s)
        self.brief = Statements(hasty, turns, guard, bound_s=1.2 * patience_s)
        self.reads = Statements(reading, turns, guard, bound_s=2 * timeout_s, rank=Rank.READ)
        self._engines = (engine, hasty, unflushed, reading)
        self._url = parsed

    @property
    def dialect(self) -> str:
        """`sqlite` or `postgresql`."""
        return self._url.get_backend_name()

    @property
    def place(self) -> str:
        """Where the database is, without credentials: the absolute path of a file, or host, port and name."""
        url = self._url
        return str(self._guard.path or f"{url.host or 'localhost'}:{url.port or 5432}/{url.database}")

    async def identify(self) -> str:
        """The ledger's identity, a UUID. From now on this process works with this ledger only.

        Raises:
            LedgerUnavailable: the database does not answer, or has not been migrated, or not up to this version.
        """
        found = await self._look()
        if found is None:
            raise LedgerUnavailable("The database holds no ledger; it has not been migrated.")
        for row in await self.reads.rows(text("SELECT version_num FROM alembic_version")):
            own_revisions().check_code(row.version_num)
        self._guard.identity = self._guard.identity or found
        self._guard.judge(found)
        return found

    async def check_identity(self) -> None:
        """Raise `LedgerUnavailable` unless the database still holds the ledger that `identify` found.

        After a durable write the look at a SQLite file is a fresh one: it goes through the other connection, whose
        memory of the file every write of the first one ends.
        """
        if self._guard.identity is not None:
            self._guard.judge(await self._look())

    async def _look(self) -> str | None:
        with unavailable():
            self._guard.check_file()
            async with self._engines[1].connect() as connection:
                return await read(connection)

    @property
    def clock(self) -> Clock:
        """This host's clock, for times that are told to callers and judge nothing."""
        return self._clock or time.time

    @property
    def now(self) -> ColumnElement[float]:
        """Unix seconds when a statement is executed: what is judged by it is the same on all hosts."""
        if self._clock is None:
            return DatabaseTime()
        return bindparam(None, callable_=self._clock, type_=Double(), unique=True)

    @property
    def unflushed(self) -> ColumnElement[bool]:
        """True, and where it stands in a statement, its commit does not wait for the disk.

        PostgreSQL reads the setting when it commits. SQLite has it per connection: `brief`'s never flushes a commit.
        """
        return true() if self._is_sqlite else func.set_config("synchronous_commit", "off", True) == "off"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
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
        """INSERT, or UPDATE the row with the same primary key where the condition holds; no row where it does not.

        Values are plain ones or expressions, such as `now`.
        `update` is what the UPDATE sets; the same values if it is not given.
        Where `only_if` does not hold, nothing is done at all.
        """
        insert = sqlite.insert if self._is_sqlite else postgresql.insert
        columns = [table.c[name] for name in values]
        row = select(*(_expression(value, column) for value, column in zip(values.values(), columns, strict=True)))
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
            for engine in self._engines:
                await engine.dispose()
        for thread in self._threads:
            thread.end()


def _expression(value: Any, column: Column[Any]) -> ColumnElement[Any]:
    return value if isinstance(value, ColumnElement) else literal(value, column.type)
