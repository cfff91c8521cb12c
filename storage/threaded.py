"""SQLite in a dedicated thread: one round trip between threads per statement.

The asynchronous driver makes a round trip for every step of a statement (cursor, execution, rows, end), and each wakes
two threads: five times the CPU time of the statement itself.
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
    """The result of a statement: its rows and the number of changed rows."""

    found: Sequence[Row[Any]]
    rowcount: int

    @classmethod
    def of(cls, result: CursorResult[Any]) -> Self:
        """Fetch all rows."""
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
    """The job queue of one thread. `None` stops the thread after all other jobs."""

    def __init__(self) -> None:
        self._available: SimpleQueue[None] = SimpleQueue()  # one item per job: a thread cannot wait for a deque
        self._first: deque[_Job] = deque()
        self._others: deque[_Job | None] = deque()

    def put(self, job: _Job, *, first: bool) -> None:
        (self._first if first else self._others).append(job)
        self._available.put(None)

    def end(self) -> None:
        self._others.append(None)
        self._available.put(None)

    def get(self) -> _Job | None:
        self._available.get()
        return self._first.popleft() if self._first else self._others.popleft()


class Thread:
    """One thread that runs jobs: prioritised jobs first, each group in order of arrival.

    An executor needs twice the CPU time: it passes each result through a second future with a lock.
    """

    def __init__(self) -> None:
        self._jobs: _Jobs | None = None

    async def run(self, work: Callable[[], T], *, first: bool = False) -> T:
        """Run `work` in the thread. If the caller is cancelled before the job starts, it does not run."""
        if self._jobs is None:
            self._jobs = _Jobs()
            threading.Thread(target=_run_jobs, args=(self._jobs,), name="sqlite", daemon=True).start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, answer, loop), first=first)
        return await answer

    def end(self) -> None:
        """Stop the thread after all queued jobs. A later `run` starts a new thread."""
        if self._jobs is not None:
            self._jobs.end()
            self._jobs = None


def _run_jobs(jobs: _Jobs) -> None:
    while (job := jobs.get()) is not None:
        if job.answer.cancelled():
            continue
        result, error = None, None
        try:
            result = job.work()
        except BaseException as raised:  # noqa: BLE001 - raised in the caller
            error = raised
        with suppress(RuntimeError):  # the loop is closed, nothing waits
            job.loop.call_soon_threadsafe(_answer, job.answer, result, error)
        del job, result, error  # keep no references while waiting


def _answer(answer: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if answer.cancelled():
        return
    if error is None:
        answer.set_result(result)
    else:
        answer.set_exception(error)


class ThreadedConnection:
    """An asynchronous connection; `info` lives as long as the connection to the file."""

    def __init__(self, owner: "ThreadedEngine", info: dict[str, Any], *, first: bool) -> None:
        self._owner = owner
        self._first = first
        self.info = info

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to do: the engine keeps the connection open."""

    @property
    def sync_connection(self) -> Self:
        """As on SQLAlchemy's asynchronous connections."""
        return self

    async def execute(self, statement: Executable, parameters: Mapping[str, Any] | None = None) -> Fetched:
        """Execute and commit. A cancelled statement that has started runs to completion; the next one waits for it."""
        return await self._owner.in_thread(lambda: self._owner.execute(statement, parameters), first=self._first)


class ThreadedEngine:
    """A synchronous engine with one connection in one thread; it commits every statement.

    The connection stays open between statements: a pool check-out and check-in would cost as much as a statement. Every
    error closes it.

    Args:
        engine: must not be used elsewhere.
        thread: may be shared by several engines.
    """

    def __init__(self, engine: Engine, thread: Thread) -> None:
        self._engine = engine
        self._thread = thread
        self._connection: Connection | None = None
        self._info: dict[str, Any] = {}
        self._prepared: WeakKeyDictionary[Executable, Prepared | None] = WeakKeyDictionary()

    def connect(self, *, first: bool = False) -> ThreadedConnection:
        """The connection; the first statement opens it. `first`: its statements have priority."""
        return ThreadedConnection(self, self._info, first=first)

    def execute(self, statement: Executable, parameters: Mapping[str, Any] | None) -> Fetched:
        """Execute and commit. Call it in the thread only."""
        connection = self._connection or self._connect()
        try:
            # A statement with parameters is prebuilt, and compiled once.
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
