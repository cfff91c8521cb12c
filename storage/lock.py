"""A distributed lock: one holder among all workers on all hosts."""

import asyncio
import random
from secrets import token_hex
from typing import Self

import structlog
from sqlalchemy import bindparam, delete

from errors import LedgerUnavailable
from storage.database import Database
from storage.schema import locks

log = structlog.get_logger(__name__)
_POLL_S = 0.02
"""Mean pause between two attempts."""


class SqlLock:
    """An asynchronous context manager; one holder per name among all processes and hosts.

        broadcasting = SqlLock(database, "broadcaster 0xabc…")
        async with broadcasting:
            ...at most lease_s seconds...

    A holder that dies loses the lock when its lease expires, and so does a slow one: the body must limit its own time.
    The lease uses the database's clock; the hosts' clocks do not matter. Tasks of one process queue in memory, so only
    one of them polls the database. On SQLite a lock is not flushed to the disk: no holder survives the machine.

    Args:
        database: shared by all stores; its owner closes it.
        name: name of the lock.
        lease_s: duration of the lease, for which a dead holder keeps out the others; less than they wait.
        wait_s: timeout after which `async with` raises `LedgerUnavailable`.
    """

    def __init__(
        self,
        database: Database,
        name: str,
        *,
        lease_s: float = 6.0,
        wait_s: float = 15.0,
    ) -> None:
        self._database = database
        self._name = name
        self._wait_s = wait_s
        self._queue = asyncio.Lock()
        self._holder = ""
        now = database.now
        values = {
            "name": name,
            "holder": bindparam("new_holder", type_=locks.c.holder.type),
            "lease_until": now + lease_s,
        }
        self._acquire_statement = database.upsert(
            locks, values, where=locks.c.lease_until <= now, returning=locks.c.name
        )
        held = (locks.c.name == name) & (locks.c.holder == bindparam("is_holder", type_=locks.c.holder.type))
        self._release_statement = delete(locks).where(held)

    async def __aenter__(self) -> Self:
        try:
            async with asyncio.timeout(self._wait_s):
                await self._queue.acquire()
                try:
                    await self._acquire()
                except BaseException:  # a cancelled attempt may have acquired it
                    await self._release()
                    raise
        except TimeoutError as exc:
            raise LedgerUnavailable("Timed out waiting for the settlement lock.") from exc
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._release()

    async def _acquire(self) -> None:
        self._holder = token_hex(16)
        while not await self._try():  # noqa: ASYNC110 - another process releases it
            await asyncio.sleep(_POLL_S * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, not a secret

    async def _try(self) -> bool:
        return (
            await self._database.forgetful.settling.first(self._acquire_statement, new_holder=self._holder) is not None
        )

    async def _release(self) -> None:
        try:
            await self._database.forgetful.settling.run(self._release_statement, is_holder=self._holder)
        except LedgerUnavailable:
            # The work under the lock is done; the lease expires.
            log.warning("lock_release_failed", lock=self._name, exc_info=True)
        finally:
            self._queue.release()
