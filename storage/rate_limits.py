"""Counters of the `limits` package in the ledger's database, shared by all workers and hosts."""

from limits.aio.storage import Storage
from sqlalchemy import Double, Executable, bindparam, case, delete, func, select

from errors import LedgerUnavailable
from storage.database import Database
from storage.schema import rate_limits

CLEAN_EVERY = 100
CLEAN_AT_MOST = 1000

_row = rate_limits.c


class SqlRateLimits(Storage):
    """Fixed windows: one upsert per hit. Every hundredth hit deletes expired rows, more than hits can add meanwhile.

    Counters have short timeouts and may lose recent hits in a power cut.

    Args:
        database: shared by all stores; its owner closes it.
    """

    STORAGE_SCHEME = None

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database
        self._brief = database.brief
        self._hits = 0
        self._incr = _increment(database)

    @property
    def base_exceptions(self) -> type[Exception]:
        """The exception of every method if the store does not respond."""
        return LedgerUnavailable

    async def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Add to a counter that expires `expiry` seconds after its first hit. Returns the sum."""
        row = await self._brief.first(self._incr, key=key, amount=amount, expiry=expiry)
        await self._clean()
        return row.hits if row else 0

    async def get(self, key: str) -> int:
        """The sum; 0 without hits."""
        live = (_row.key == key) & (_row.expires_at > self._database.now)
        row = await self._brief.first(select(_row.hits).where(live))
        return row.hits if row else 0

    async def get_expiry(self, key: str) -> float:
        """Unix seconds at which the counter resets; now, without hits. Converted to the caller's clock, while the
        counter uses the database's."""
        row = await self._brief.first(
            select((_row.expires_at - self._database.now).label("left")).where(_row.key == key)
        )
        return self._database.clock() + (max(row.left, 0.0) if row else 0.0)

    async def check(self) -> bool:
        """Whether the store responds."""
        try:
            await self._brief.rows(select(func.now()))
        except LedgerUnavailable:
            return False
        return True

    async def reset(self) -> int:
        """Delete all counters. Returns their number."""
        return await self._brief.run(delete(rate_limits))

    async def clear(self, key: str) -> None:
        """Delete one counter."""
        await self._brief.run(delete(rate_limits).where(_row.key == key))

    async def _clean(self) -> None:
        self._hits += 1
        if self._hits % CLEAN_EVERY == 0:
            expired = select(_row.key).where(_row.expires_at <= self._database.now).limit(CLEAN_AT_MOST)
            await self._brief.run(delete(rate_limits).where(_row.key.in_(expired) & self._database.unflushed))


def _increment(database: Database) -> Executable:
    """The prebuilt statement of `incr`."""
    key, amount = bindparam("key", type_=_row.key.type), bindparam("amount", type_=_row.hits.type)
    end = database.now + bindparam("expiry", type_=Double())
    expired = _row.expires_at <= database.now
    update = {
        "hits": case((expired, amount), else_=_row.hits + amount),
        "expires_at": case((expired, end), else_=_row.expires_at),
    }
    values = {"key": key, "hits": amount, "expires_at": end}
    return database.upsert(rate_limits, values, update=update, only_if=database.unflushed, returning=_row.hits)
