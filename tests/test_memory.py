"""Memory goes back to the system when something was made, and only then."""

import asyncio
import sys

import psutil
import pytest

from memory import bound_arenas, give_back, keep_giving_back


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
async def test_what_a_burst_has_freed_goes_back() -> None:
    """Small pieces, which no allocator returns by itself while one above them is in use."""
    process, made = psutil.Process(), 0
    give_back()
    pieces = [bytes(60_000) for _ in range(3000)]
    last = bytes(60_000)
    high = process.memory_info().rss
    del pieces
    keeping = asyncio.create_task(keep_giving_back(lambda: made, every_s=0.05))
    await asyncio.sleep(0.2)
    kept = process.memory_info().rss
    made = 1
    await asyncio.sleep(1)
    keeping.cancel()
    assert kept > high - 50_000_000, "nothing was made, so nothing is given back"
    assert process.memory_info().rss < high - 100_000_000
    assert len(last) == 60_000


def test_an_operator_may_choose_otherwise() -> None:
    environment = {"MALLOC_ARENA_MAX": "8"}
    bound_arenas(environment)
    assert environment == {"MALLOC_ARENA_MAX": "8"}
