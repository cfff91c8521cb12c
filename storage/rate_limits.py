"""Counters of the `limits` package in the ledger's database, so that all workers and hosts count together."""

import time

from limits.aio.storage import Storage
from sqlalchemy import case, delete, func, select

from errors import LedgerUnavailable
from storage.engine import Clock, Database
from storage.schema import rate_limits

PATIENCE_S = 0.4
"""A counter is not worth waiting for; a cancelled SQLite statement is only let go after this time, too."""

CLEAN_EVERY = 100
CLEAN_AT_MOST = 1000

_row = rate_limits.c


class SqlRateLimits(Storage):
    """Fixed windows: one upsert per hit, and every hundredth clears expired rows, more than hits can add meanwhile.

    Counters may lose their last moments in a power cut; they are not money.

    Args:
        url, timeout_s, clock: see `storage.engine.Database`.
    """

    STORAGE_SCHEME = None

    def __init__(self, url: str, *, timeout_s: float = PATIENCE_S, clock: Clock = time.time) -> None:
        super().__init__()
        self._database = Database(url, durable=False, timeout_s=timeout_s, clock=clock)
        self._hits = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What every method raises when the store does not answer."""
        return LedgerUnavailable

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter that lives `expiry` seconds from its first hit; the sum."""
        now = self._database.clock()
        expired = _row.expires_at <= now
        values = {"key": key, "hits": amount, "expires_at": now + expiry}
        update = {
            "hits": case((expired, amount), else_=_row.hits + amount),
            "expires_at": case((expired, now + expiry), else_=_row.expires_at),
        }
        row = await self._database.first(self._database.upsert(rate_limits, values, update=update, returning=_row.hits))
        await self._clean(now)
        return row.hits if row else 0

    async def get(self, key: str) -> int:
        """The sum, 0 when nothing is counted."""
        live = (_row.key == key) & (_row.expires_at > self._database.clock())
        row = await self._database.first(select(_row.hits).where(live))
        return row.hits if row else 0

    async def get_expiry(self, key: str) -> float:
        """Unix seconds at which the counter starts anew: now, when nothing is counted."""
        row = await self._database.first(select(_row.expires_at).where(_row.key == key))
        now = self._database.clock()
        return max(row.expires_at, now) if row else now

    async def check(self) -> bool:
        """Whether the store answers."""
        try:
            await self._database.rows(select(func.now()))
        except LedgerUnavailable:
            return False
        return True

    async def reset(self) -> int:
        """Forget all counters; how many there were."""
        return await self._database.run(delete(rate_limits))

    async def clear(self, key: str) -> None:
        """Forget one counter."""
        await self._database.run(delete(rate_limits).where(_row.key == key))

    async def aclose(self) -> None:
        """Give back connections."""
        await self._database.aclose()

    async def _clean(self, now: float) -> None:
        self._hits += 1
        if self._hits % CLEAN_EVERY == 0:
            expired = select(_row.key).where(_row.expires_at <= now).limit(CLEAN_AT_MOST)
            await self._database.run(delete(rate_limits).where(_row.key.in_(expired)))
