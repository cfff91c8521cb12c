"""SQLite in a thread of its own: a statement is one hop there and back.

The asynchronous driver hops for every step of a statement (cursor, execution, rows, end), and each hop wakes two
threads: that was five times the CPU time of the statement itself.
"""

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, Self, TypeVar, cast
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, CursorResult, Engine, Executable, Row

from storage.prepared import Prepared

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a statement came to: its rows, and how many rows it changed."""

    found: Sequence[Row[Any]]
    rowcount: int

    @classmethod
    def of(cls, result: CursorResult[Any]) -> Self:
        """Read to its end."""
        return cls(result.all() if result.returns_rows else (), result.rowcount)

    def scalar(self) -> Any:
        """The first column of the first row; None without one."""
        return self.found[0][0] if self.found else None


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[], Any]
    answer: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class _Jobs:
    """What one thread has to do. `None` ends it, after everything else."""

    def __init__(self) -> None:
        self._coming: SimpleQueue[None] = SimpleQueue()  # one for each job: a deque cannot be waited for
        self._first: deque[_Job] = deque()
        self._others: deque[_Job | None] = deque()

    def put(self, job: _Job, *, first: bool) -> None:
        (self._first if first else self._others).append(job)
        self._coming.put(None)

    def end(self) -> None:
        self._others.append(None)
        self._coming.put(None)

    def get(self) -> _Job | None:
        self._coming.get()
        return self._first.popleft() if self._first else self._others.popleft()


class Thread:
    """One thread that works off what it is given: first what goes first, then the others, each first come first served.

    An executor does the same at twice the CPU time: it takes each answer through a second future, which has a lock.
    """

    def __init__(self) -> None:
        self._jobs: _Jobs | None = None

    async def run(self, work: Callable[[], T], *, first: bool = False) -> T:
        """Work there. What has not begun when the caller is cancelled is not begun any more."""
        if self._jobs is None:
            self._jobs = _Jobs()
            threading.Thread(target=_work_off, args=(self._jobs,), name="sqlite", daemon=True).start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, answer, loop), first=first)
        return await answer

    def end(self) -> None:
        """Let it end once it has worked off everything. Whoever comes later all the same gets a thread anew."""
        if self._jobs is not None:
            self._jobs.end()
            self._jobs = None


def _work_off(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        if job.answer.cancelled():
            continue
        result, error = None, None
        try:
            result = job.work()
        except BaseException as raised:  # noqa: BLE001 - it is the caller's
            error = raised
        with suppress(RuntimeError):  # the loop is closed, and nobody waits
            job.loop.call_soon_threadsafe(_answer, job.answer, result, error)
        del job, result, error  # while waiting, hold nothing that others have let go


def _answer(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class ThreadedConnection:
    """What a statement is executed on; `info` lasts as long as the connection to the file."""

    def __init__(self, owner: "ThreadedEngine", info: dict[str, Any], *, first: bool) -> None:
        self._owner = owner
        self._first = first
        self.info = info

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """The engine keeps the connection to the file."""

    @property
    def sync_connection(self) -> Self:
        """As on SQLAlchemy's asynchronous connections."""
        return self

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Fetched:
        """Execute and commit. One that was cancelled runs to its end all the same, and the next one waits for it."""
        return await self._owner.in_thread(lambda: self._owner.execute(statement, parameters), first=self._first)


class ThreadedEngine:
    """A synchronous engine with one connection, used in one thread; it commits every statement.

    The connection is kept from one statement to the next: taking it from the pool and giving it back would cost as much
    as a statement. Whatever fails gives it back.

    Args:
        engine: not used by anybody else.
        thread: engines that share one take turns.
    """

    def __init__(self, engine: Engine, thread: Thread) -> None:
        self._engine = engine
        self._thread = thread
        self._connection: Connection | None = None
        self._info: dict[str, Any] = {}
        self._prepared: WeakKeyDictionary[Executable, Prepared | None] = WeakKeyDictionary()

    def connect(self, *, first: bool = False) -> ThreadedConnection:
        """The connection; it is opened by the first statement. `first`: its statements go before those of others."""
        return ThreadedConnection(self, self._info, first=first)

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None) -> Fetched:
        """For the thread only."""
        connection = self._connection or self._connect()
        try:
            # What has parameters was built once, and is compiled once.
            prepared = self._prepare(statement) if parameters else None
            if prepared and parameters:
                return Fetched(*prepared.execute(_driver(connection), parameters))
            return Fetched.of(connection.execute(statement, parameters))
        except BaseException:
            self._give_back()
            raise

    def _prepare(self, statement: Executable) -> Prepared | None:
        if statement not in self._prepared:
            self._prepared[statement] = Prepared.of(statement, self._engine.dialect)
        return self._prepared[statement]

    async def in_thread(self, work: Callable[[], T], *, first: bool = False) -> T:
        """Run it there."""
        return await self._thread.run(work, first=first)

    async def dispose(self) -> None:
        """Close the connection, once what is under way has ended."""
        await self.in_thread(self._dispose)
        self._info = {}

    def _connect(self) -> Connection:
        self._connection = self._engine.connect()
        self._info = self._connection.info
        return self._connection

    def _give_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _dispose(self) -> None:
        self._give_back()
        self._engine.dispose()


def _driver(connection: Connection) -> sqlite3.Connection:
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)
