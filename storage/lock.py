"""A lock that all workers on all hosts share, for what only one of them may do at a time."""

import asyncio
import random
from secrets import token_hex
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy import bindparam, delete

from errors import LedgerUnavailable
from storage.database import Database
from storage.schema import locks

log = structlog.get_logger(__name__)


class SqlLock:
    """An asynchronous context manager; one holder per name, over all processes and hosts.

        broadcasting = SqlLock(database, "broadcaster 0xabc…")
        async with broadcasting:
            ...at most lease_s seconds...

    A holder that dies loses the lock when its lease ends, and so does one that takes longer: the body bounds itself.
    The lease runs by the database's clock; hosts need not agree on the time. Tasks of one process queue in memory, so
    only one of them asks the database. On SQLite a lock is not flushed to the disk: no holder outlives the machine.

    Args:
        database: shared with everything that stores; its owner closes it.
        name: what is locked.
        lease_s: how long a silent holder is trusted to be alive.
        wait_s: how long `async with` waits before it raises `LedgerUnavailable`.
        poll_s: mean pause between two attempts.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        lease_s: float = 30.0,
        wait_s: float = 15.0,
        poll_s: float = 0.02,
    ) -> None:
        self._database = database
        self._name = name
        self._wait_s = wait_s
        self._poll_s = poll_s
        self._queue = asyncio.Lock()
        self._holder = ""
        now = database.now
        values = {
            "name": name,
            "holder": bindparam("new_holder", type_=locks.c.holder.type),
            "lease_until": now + lease_s,
        }
        self._take_it = database.upsert(locks, values, where=locks.c.lease_until <= now, returning=locks.c.name)
        held = (locks.c.name == name) & (locks.c.holder == bindparam("is_holder", type_=locks.c.holder.type))
        self._let_go = delete(locks).where(held)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._queue.acquire()
                try:
                    await self._take()
                except BaseException:  # cancelled in the middle, it may be ours already
                    await self._give_back()
                    raise
        except TimeoutError as exc:
            raise LedgerUnavailable("A lock that is needed to settle payments stays taken.") from exc
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._give_back()

    async def _take(self) -> None:
        self._holder = token_hex(16)
        while not await self._try():  # noqa: ASYNC110 - no event of ours tells when another process is done
            await asyncio.sleep(self._poll_s * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret

    async def _try(self) -> bool:
        return await self._database.forgetful.settling.first(self._take_it, new_holder=self._holder) is not None

    async def _give_back(self) -> None:
        try:
            await self._database.forgetful.settling.run(self._let_go, is_holder=self._holder)
        except LedgerUnavailable:
            # What was done under the lock is done; the lease ends by itself.
            log.warning("lock_release_failed", lock=self._name, exc_info=True)
        finally:
            self._queue.release()
