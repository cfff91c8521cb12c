"""The short samples of the fault campaign: `make faults N=10000` and `make faults-steps` are the long ones."""

import asyncio
from pathlib import Path

import pytest

from storage import SqlLedger
from tests.faults import report
from tests.faults.breaks import BREAKS
from tests.faults.campaign import Plan, cases_of, run_leg, run_steps
from tests.faults.facilitator_lies import Lie
from tests.faults.leg_run import Result
from tests.faults.legs import LEGS, Leg
from tests.faults.observed_ports import LEDGER, RAILS
from tests.faults.planned import Effect, Step
from tests.faults.process_faults import ProcessFault
from tests.faults.served_source import source_tree
from tests.faults.steps import Case

SEED = 402
CALLS = 40
SAMPLE: tuple[Leg, ...] = ("sqlite", "facilitator")
STEPS = (
    Case("x402 v2", Step.WORK, Effect.FREEZE_LATE),
    Case("mpp", Step.CLAIM, Effect.LOST),
    Case("mpp", Step.SETTLED, Effect.ERROR),
    Case("x402 v2", Step.BEGIN_SETTLEMENT, Effect.LOST),
)


@pytest.mark.nightly
async def test_no_money_is_lost_while_everything_fails(tmp_path: Path) -> None:
    """Deployments run concurrently, because most of the time is waiting. Each starts with settlements in doubt, moved
    and not moved, and freezes one API worker."""
    with source_tree() as source:
        freeze = (ProcessFault("freeze", "worker"),)
        plan = Plan(calls=CALLS // len(SAMPLE), seed=SEED, buyers=8, minutes=1, source=source, process_faults=freeze)
        for leg in SAMPLE:
            (tmp_path / leg).mkdir()
        results = await asyncio.gather(*(run_leg(leg, plan, tmp_path / leg, _ignore_progress) for leg in SAMPLE))
    _passed(tmp_path, results)
    for result in results:
        assert result.findings.columns["calls"] >= CALLS // len(SAMPLE)
        assert sum(count for fault, count in result.faults.items() if "period" not in fault) > 0


async def test_a_sale_with_a_fault_at_a_step_completes(tmp_path: Path) -> None:
    """The first is the double charge by a worker that was frozen during its work; the others lose replies, and fail
    after the money has moved."""
    with source_tree() as source:
        plan = Plan(calls=0, seed=SEED, buyers=3, minutes=1, source=source)
        (tmp_path / "steps").mkdir()
        result = await run_steps("sqlite", STEPS, plan, tmp_path / "steps", _ignore_progress, at_once=len(STEPS))
    _passed(tmp_path, [result])


@pytest.mark.parametrize("name", BREAKS)
def test_every_break_changes_the_code_that_is_said_to_be_there(name: str) -> None:
    with source_tree(name) as copy:
        for change in BREAKS[name].changes:
            assert change.broken in (copy / change.path).read_text()


def test_the_deterministic_part_covers_every_step_with_every_fault() -> None:
    for leg in LEGS:
        met = {(case.step, case.effect) for case in cases_of(leg)}
        everywhere = (Effect.ERROR, Effect.HANG, Effect.LOST, Effect.FREEZE, Effect.KILL)
        assert {(step, effect) for step in Step for effect in everywhere} <= met
    assert {case.lie for case in cases_of("facilitator")} - {None} == set(Lie)


def test_the_observed_ports_exist_in_the_service() -> None:

    for kind, names in {SqlLedger: LEDGER, **RAILS}.items():
        assert all(callable(getattr(kind, name)) for name in names)


def _passed(folder: Path, results: list[Result]) -> None:
    stories = report.write_stories(folder, results)
    missed = [each for result in results for each in result.not_exercised()]
    assert report.passed(results), f"{report.totals(results)} {missed}: {stories and stories.read_text()[:10_000]}"


def _ignore_progress(result: Result, phase: str) -> None:
    """Tests ignore the progress."""
