"""One probe for many who ask."""

import asyncio
import time

from payments.x402.health import FRESH_S, PROBE_LIMIT_S, Health


class Probe:
    """Counts how often it is asked, and answers after a while."""

    def __init__(self, seconds: float) -> None:
        self.asked = 0
        self._seconds = seconds

    async def __call__(self) -> str | None:
        self.asked += 1
        await asyncio.sleep(self._seconds)
        return "out"


async def test_many_who_ask_at_once_cost_one_probe() -> None:
    probe = Probe(0.05)
    health = Health(probe, too_slow="slow")
    assert await asyncio.gather(*(health() for _ in range(20))) == ["out"] * 20
    assert await health() == "out"
    assert probe.asked == 1


async def test_asks_again_after_a_while() -> None:
    probe = Probe(0)
    health = Health(probe, too_slow="slow", fresh_s=0.05)
    await health()
    await asyncio.sleep(0.06)
    await health()
    assert probe.asked == 2


async def test_a_slow_probe_is_given_up() -> None:
    start = time.monotonic()
    assert await Health(Probe(60), too_slow="slow")() == "slow"
    assert PROBE_LIMIT_S <= time.monotonic() - start < PROBE_LIMIT_S + 0.5
    assert FRESH_S > PROBE_LIMIT_S
