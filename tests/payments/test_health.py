"""One probe for many who ask."""

import asyncio
import time

from payments.health import PROBE_LIMIT_S, Health


class Patient:
    """Counts how often it was examined; `answer_s` is how long that takes."""

    def __init__(self, answer: str | None = None, *, answer_s: float = 0.0) -> None:
        self.examined = 0
        self._answer = answer
        self._answer_s = answer_s

    async def probe(self) -> str | None:
        self.examined += 1
        await asyncio.sleep(self._answer_s)
        return self._answer


async def test_passes_the_answer_on() -> None:
    assert await Health(Patient().probe, too_slow="slow")() is None
    assert await Health(Patient("out").probe, too_slow="slow")() == "out"


async def test_many_who_ask_share_one_probe() -> None:
    patient = Patient("out", answer_s=0.05)
    health = Health(patient.probe, too_slow="slow")
    assert await asyncio.gather(*(health() for _ in range(20))) == ["out"] * 20
    assert patient.examined == 1


async def test_a_slow_probe_is_cut_off() -> None:
    started = time.monotonic()
    assert await Health(Patient(answer_s=60).probe, too_slow="slow")() == "slow"
    assert time.monotonic() - started < PROBE_LIMIT_S + 1
