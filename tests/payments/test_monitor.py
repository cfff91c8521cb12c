"""How the rails are, as seen from the background."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress

from prometheus_client import REGISTRY

from payments.monitor import HEALTH_LIMIT_S, NOT_ASKED, RailMonitor, keep_monitoring
from tests.fakes.rails import ScriptedRail
from tests.waiting import eventually

OUT = "The payment chain does not answer."


class ChangingRail(ScriptedRail):
    """Gives its answers one after the other, then the last one for good; an exception is raised."""

    def __init__(self, *answers: str | Exception | None, name: str = "a") -> None:
        super().__init__(name)
        self.asked = 0
        self._answers: Iterator[str | Exception | None] = iter(answers)
        self._answer: str | Exception | None = None

    async def health(self) -> str | None:
        """The next answer."""
        self.asked += 1
        self._answer = next(self._answers, self._answer)
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class HangingRail(ScriptedRail):
    """Never answers."""

    async def health(self) -> str | None:
        """Waits."""
        await asyncio.sleep(60)
        return None


async def views(rail: ScriptedRail, looks: int) -> list[str | None]:
    """What the watch says before its first look and after each."""
    watch = RailMonitor((rail,))
    seen = [watch.outage(rail.name)]
    for _ in range(looks):
        await watch.look()
        seen.append(watch.outage(rail.name))
    return seen


@asynccontextmanager
async def watching(watch: RailMonitor, *, every_s: float) -> AsyncIterator[None]:
    """The task that every worker has."""
    task = asyncio.create_task(keep_monitoring(watch, every_s=every_s, again_s=0.0))
    yield
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_rail_is_out_after_two_bad_answers() -> None:
    assert await views(ChangingRail(None, OUT, OUT, OUT), looks=4) == [NOT_ASKED, None, None, OUT, OUT]


async def test_a_rail_is_back_after_one_good_answer() -> None:
    assert await views(ChangingRail(OUT, OUT, None, OUT), looks=4) == [NOT_ASKED, OUT, OUT, None, None]


async def test_bad_answers_that_are_not_in_a_row_are_none() -> None:
    assert await views(ChangingRail(None, OUT, None, OUT, None), looks=5) == [NOT_ASKED, *[None] * 5]


async def test_the_latest_reason_is_told() -> None:
    assert await views(ChangingRail("slow", OUT, "another chain"), looks=3) == [NOT_ASKED, "slow", OUT, "another chain"]


async def test_what_a_rail_forgot_to_map_is_an_outage_and_told_to_nobody() -> None:
    seen = await views(ChangingRail(OSError("https://rpc.example.com/marked")), looks=2)
    assert seen == [NOT_ASKED, *["The rail does not respond."] * 2]


async def test_a_rail_that_hangs_is_out_and_hides_no_other() -> None:
    watch = RailMonitor((HangingRail("a"), ChangingRail(OUT, name="b"), ChangingRail(name="c")), limit_s=0.01)
    for _ in range(2):
        await watch.look()
    assert [watch.outage(name) for name in "abc"] == ["The rail does not respond in time.", OUT, None]


async def test_the_gauge_follows() -> None:
    watch = RailMonitor((ChangingRail(None, OUT, OUT, None, name="gauged"),))
    up = [REGISTRY.get_sample_value("clearcanvas_rail_up", {"rail": "gauged"})]
    for _ in range(4):
        await watch.look()
        up.append(REGISTRY.get_sample_value("clearcanvas_rail_up", {"rail": "gauged"}))
    assert up == [0, 1, 1, 0, 1]


async def test_a_bad_answer_after_a_good_one_calls_for_a_second_at_once() -> None:
    rail = ChangingRail(None, OUT)
    watch = RailMonitor((rail,))
    await watch.look()
    async with watching(watch, every_s=60.0):
        assert await asyncio.to_thread(eventually, lambda: watch.outage("a") == OUT)
    assert rail.asked == 3


async def test_a_bad_answer_at_the_start_calls_for_another_at_once() -> None:
    """So that one slow call does not keep a new process from serving for seconds."""
    watch = RailMonitor((ChangingRail(OUT, None),))
    async with watching(watch, every_s=60.0):
        assert await asyncio.to_thread(eventually, lambda: watch.outage("a") is None)


async def test_a_rail_that_has_never_been_well_is_out() -> None:
    """Nothing is known about it before the first answer, and one bad answer is all that is known after it."""
    assert await views(ChangingRail(OUT, None), looks=2) == [NOT_ASKED, OUT, None]


async def test_looks_again_and_again() -> None:
    rail = ChangingRail(None, None, OUT, OUT, None, None, OUT)
    watch = RailMonitor((rail,))
    async with watching(watch, every_s=0.0):
        assert await asyncio.to_thread(eventually, lambda: rail.asked >= 10)
    assert watch.outage("a") == OUT


async def test_the_first_question_waits_for_the_first_look() -> None:
    watch = RailMonitor((ChangingRail(None),))
    asked = asyncio.create_task(watch.states())
    await asyncio.sleep(0)
    assert not asked.done()
    await watch.look()
    assert await asked == {"a": None}


async def test_the_first_question_does_not_wait_for_long() -> None:
    assert HEALTH_LIMIT_S <= 3
    async with asyncio.timeout(HEALTH_LIMIT_S + 2):
        assert await RailMonitor((HangingRail("a"),)).states() == {"a": NOT_ASKED}
