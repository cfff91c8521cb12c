"""The counters of the `limits` package, shared by all processes with the database."""

import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

import pytest
from limits import RateLimitItemPerMinute
from limits.aio.strategies import FixedWindowRateLimiter
from sqlalchemy import select

from errors import LedgerUnavailable
from storage import Database, SqlRateLimits
from storage.rate_limits import CLEAN_EVERY
from storage.schema import rate_limits
from tests.fakes.clock import FakeClock
from tests.storage.racers import hit_often, race


@pytest.fixture
def counters(process: Callable[[], Database]) -> SqlRateLimits:
    return SqlRateLimits(process())


@pytest.fixture
def elsewhere(process: Callable[[], Database]) -> SqlRateLimits:
    return SqlRateLimits(process())


async def test_all_processes_share_the_counters(counters: SqlRateLimits, elsewhere: SqlRateLimits) -> None:
    assert [await each.incr("key", 60) for each in (counters, elsewhere, counters)] == [1, 2, 3]
    assert await elsewhere.get("key") == 3
    assert await elsewhere.get("other") == 0


async def test_resets_after_its_window(counters: SqlRateLimits, clock: FakeClock) -> None:
    """The window starts with the first hit; later hits do not extend it."""
    start = clock.now
    assert await counters.get_expiry("key") == start
    await counters.incr("key", 60, amount=5)
    clock.advance(59)
    assert await counters.incr("key", 60) == 6
    assert await counters.get_expiry("key") == start + 60
    clock.advance(1)
    assert await counters.get("key") == 0
    assert await counters.get_expiry("key") == clock.now
    assert await counters.incr("key", 60) == 1


async def test_works_with_the_strategies_of_the_package(counters: SqlRateLimits) -> None:
    limiter, item = FixedWindowRateLimiter(counters), RateLimitItemPerMinute(3)
    assert [await limiter.hit(item, "address") for _ in range(4)] == [True, True, True, False]
    assert not await limiter.test(item, "address")
    assert (await limiter.get_window_stats(item, "address")).remaining == 0
    await limiter.clear(item, "address")
    assert await limiter.test(item, "address")


def test_no_hit_of_two_processes_is_lost(url: str) -> None:
    sums = race(hit_often, url, 50)
    assert sorted(chain(*sums)) == list(range(1, 101))


async def test_deletes_expired_counters(counters: SqlRateLimits, clock: FakeClock) -> None:
    for number in range(50):
        await counters.incr(f"old {number}", 60)
    clock.advance(60)
    for _ in range(CLEAN_EVERY - 50):
        await counters.incr("new", 60)
    assert await counters.reset() == 1


async def test_its_window_uses_the_databases_clock(skewed_url: tuple[str, int]) -> None:
    """The expiry is converted to the caller's clock, who compares it with its own."""
    url, ahead_s = skewed_url
    async with Database(url) as database:
        counters = SqlRateLimits(database)
        await counters.incr("key", 60)
        assert await counters.get("key") == 1
        [(expires_at,)] = await database.rows(select(rate_limits.c.expires_at))
        assert expires_at == pytest.approx(time.time() + ahead_s + 60, abs=10)
        assert await counters.get_expiry("key") == pytest.approx(time.time() + 60, abs=10)


async def test_failures_are_reported(tmp_path: Path, counters: SqlRateLimits) -> None:
    async with Database(f"sqlite:///{tmp_path}/no/such/folder.sqlite3") as database:
        broken = SqlRateLimits(database)
        with pytest.raises(LedgerUnavailable):
            await broken.incr("key", 60)
        assert not await broken.check()
    assert await counters.check()
