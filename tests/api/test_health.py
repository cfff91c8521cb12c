import asyncio
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from api.health import Check, Readiness
from errors import LedgerUnavailable
from payments.monitor import NOT_ASKED, RailMonitor
from tests.api.storefront import open_storefront
from tests.fakes.rails import ScriptedRail


async def well() -> str | None:
    """Nothing is out."""
    return None


async def out() -> str | None:
    """Says so."""
    return "the runner does not answer"


async def refusing() -> str | None:
    """Says so as a ledger does."""
    raise LedgerUnavailable("The ledger does not answer.")


async def breaking() -> str | None:
    """Forgot to map an error."""
    raise OSError("https://rpc.example.com/marked")


async def hanging() -> str | None:
    """Never answers."""
    await asyncio.sleep(60)
    return None


class ChangingRail(ScriptedRail):
    """A rail that is well, or out for a reason, or hangs."""

    def __init__(self, name: str, fault: str | None = None, *, hangs: bool = False) -> None:
        super().__init__(name)
        self.fault = fault
        self.hangs = hangs

    async def health(self) -> str | None:
        """The reason."""
        if self.hangs:
            await asyncio.sleep(60)
        return self.fault


@pytest.fixture
async def watch() -> RailMonitor:
    """A watch over one rail, which has looked."""
    watch = RailMonitor((ScriptedRail("x"),))
    await watch.look()
    return watch


async def test_a_process_that_runs_says_so_whatever_else_is_out(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, checks={"runner": out}) as storefront:
        for path in ("/healthz", "/livez"):
            answer = await storefront.client.get(path)
            assert (answer.status_code, answer.json()) == (200, {"alive": True})


async def test_ready_names_every_part_and_rail(tmp_path: Path) -> None:
    async with open_storefront(
        tmp_path, checks={"runner": well, "ledger": well}, rails=(ScriptedRail("a"), ScriptedRail("b"))
    ) as storefront:
        answer = await storefront.client.get("/readyz")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json() == {
        "ready": True,
        "parts": {"runner": "ok", "ledger": "ok"},
        "rails": {"a": "ok", "b": "ok"},
        "backends": {},
    }


async def test_ready_says_what_runs_each_model(tmp_path: Path) -> None:
    """Whatever it is: a slower one that serves meanwhile closes nothing."""
    backends = {"small": "onnxruntime-cpu; TensorRT's engine is being built, 12 s"}
    async with open_storefront(tmp_path, backends=lambda: backends) as storefront:
        answer = await storefront.client.get("/readyz")
    assert (answer.status_code, answer.json()["backends"]) == (200, backends)


async def test_one_rail_is_enough_to_sell(tmp_path: Path) -> None:
    async with open_storefront(
        tmp_path, rails=(ChangingRail("a", "the chain does not answer"), ChangingRail("b"))
    ) as storefront:
        answer = await storefront.client.get("/readyz")
    assert (answer.status_code, answer.json()["rails"]["a"]) == (200, "the chain does not answer")
    assert REGISTRY.get_sample_value("clearcanvas_rail_up", {"rail": "a"}) == 0
    assert REGISTRY.get_sample_value("clearcanvas_rail_up", {"rail": "b"}) == 1


async def test_without_any_rail_nothing_is_sold(tmp_path: Path) -> None:
    async with open_storefront(tmp_path, rails=(ChangingRail("a", "out"), ChangingRail("b", "out"))) as storefront:
        answer = await storefront.client.get("/readyz")
    body = answer.json()
    assert (answer.status_code, body["code"], body["ready"]) == (503, "unavailable", False)
    assert body["rails"] == {"a": "out", "b": "out"}


@pytest.mark.parametrize(
    ("check", "said"),
    [(out, "the runner does not answer"), (refusing, "The ledger does not answer."), (breaking, "does not answer")],
)
async def test_a_part_that_is_out_closes_the_storefront_and_tells_no_secret(
    tmp_path: Path, check: Check, said: str
) -> None:
    async with open_storefront(tmp_path, checks={"part": check, "other": well}) as storefront:
        answer = await storefront.client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]) == (503, {"part": said, "other": "ok"})
    assert "marked" not in answer.text


async def test_a_part_that_hangs_is_out(watch: RailMonitor) -> None:
    report = await Readiness({"runner": hanging}, watch, limit_s=0.02).report()
    assert (report.ready, report.parts) == (False, {"runner": "does not answer in time"})


async def test_many_questions_at_once_ask_the_parts_once(watch: RailMonitor) -> None:
    asked = 0

    async def counting() -> str | None:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.01)
        return None

    readiness = Readiness({"runner": counting}, watch)
    await asyncio.gather(*(readiness.report() for _ in range(20)))
    assert asked == 1


async def test_an_answer_is_asked_anew_when_it_is_old(watch: RailMonitor) -> None:
    states = iter(["out", None])

    async def recovering() -> str | None:
        return next(states)

    readiness = Readiness({"runner": recovering}, watch, kept_s=0)
    assert [(await readiness.report()).ready for _ in range(2)] == [False, True]


async def test_a_rail_is_out_as_soon_as_the_watch_says_so(watch: RailMonitor) -> None:
    """However long the answers of the parts are kept."""
    rail = ChangingRail("a")
    watch = RailMonitor((rail,))
    await watch.look()
    readiness = Readiness({"runner": well}, watch, kept_s=60)
    assert (await readiness.report()).ready
    rail.fault = "out"
    for _ in range(2):
        await watch.look()
    report = await readiness.report()
    assert (report.ready, report.rails) == (False, {"a": "out"})


async def test_a_worker_that_is_being_stopped_says_so_at_once(watch: RailMonitor) -> None:
    """A load balancer has to hear it before the port closes, however lately all was well."""
    readiness = Readiness({"runner": well}, watch, kept_s=60)
    assert (await readiness.report()).ready
    readiness.stopping = True
    report = await readiness.report()
    assert (report.ready, report.parts) == (False, {"runner": None, "worker": "is being stopped"})


async def test_nobody_waits_for_a_rail_that_hangs() -> None:
    """A full outage with lines that are held: the last view is told, while the watch waits for the next."""
    rail = ChangingRail("a")
    watch = RailMonitor((rail,))
    await watch.look()
    rail.hangs = True
    looking = asyncio.create_task(watch.look())
    async with asyncio.timeout(30):
        report = await Readiness({"runner": well}, watch).report()
    assert not looking.done()
    assert (report.ready, report.rails) == (True, {"a": None})
    looking.cancel()


async def test_before_a_rail_has_answered_nothing_is_ready_and_nothing_is_quoted(tmp_path: Path) -> None:
    """A process that has just started knows nothing about its chains."""
    async with open_storefront(tmp_path, rails=(ChangingRail("a", hangs=True),), looks=0) as storefront:
        ready, quote = await storefront.client.get("/readyz"), await storefront.post()
        assert (ready.status_code, ready.json()["rails"]) == (503, {"a": NOT_ASKED})
        assert (quote.status_code, quote.json()["code"]) == (503, "rail_unavailable")


async def test_a_gauge_says_how_each_part_was_when_it_was_asked_last(watch: RailMonitor) -> None:
    faults: list[str | None] = [None, "the runner does not answer"]

    async def changing() -> str | None:
        return faults.pop(0)

    readiness = Readiness({"changing": changing}, watch, kept_s=0)
    for up in (1, 0):
        await readiness.report()
        assert REGISTRY.get_sample_value("clearcanvas_part_up", {"part": "changing"}) == up
