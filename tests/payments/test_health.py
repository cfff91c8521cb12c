"""A rail's answer about itself, in time."""

import asyncio
import time

from payments.health import PROBE_LIMIT_S, Health


def probe(answer: str | None, *, answer_s: float = 0.0) -> Health:
    async def examine() -> str | None:
        await asyncio.sleep(answer_s)
        return answer

    return Health(examine, too_slow="slow")


async def test_passes_the_answer_on() -> None:
    assert await probe(None)() is None
    assert await probe("out")() == "out"


async def test_every_answer_is_a_new_one() -> None:
    """Two bad answers in a row would otherwise be one."""
    answers = iter(["out", None])

    async def examine() -> str | None:
        return next(answers)

    health = Health(examine, too_slow="slow")
    assert [await health(), await health()] == ["out", None]


async def test_a_slow_probe_is_cut_off() -> None:
    started = time.monotonic()
    assert await probe(None, answer_s=60)() == "slow"
    assert time.monotonic() - started < PROBE_LIMIT_S + 1
