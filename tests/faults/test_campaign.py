"""The short sample of the fault campaign: `make faults N=10000` is the long one."""

import asyncio
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.breaks import BREAKS, source_tree
from tests.faults.campaign import Plan, run_leg
from tests.faults.history import History
from tests.faults.legs import Leg

SEED = 402
CALLS = 100


LEGS: tuple[Leg, ...] = ("sqlite", "facilitator")


async def test_no_money_is_lost_in_bad_weather(tmp_path: Path) -> None:
    """Half of the calls on each of two deployments, both at once: most of the time is spent waiting."""
    with source_tree(None) as source:
        # The runner only: what a killed worker held is locked until a lease is over, which takes a minute.
        plan = Plan(calls=CALLS // 2, seed=SEED, buyers=8, minutes=1, source=source, kills=("runner",))
        for leg in LEGS:
            (tmp_path / leg).mkdir()
        results = await asyncio.gather(*(run_leg(leg, plan, tmp_path / leg, _unwatched) for leg in LEGS))
    stories = report.write_stories(tmp_path, results)
    assert report.clean(results), f"{report.totals(results)}: {stories and stories.read_text()[:10_000]}"
    for result in results:
        assert result.findings.columns["calls"] >= CALLS // 2
        assert result.findings.columns["delivered"] > 0
        assert sum(count for fault, count in result.faults.items() if "spell" not in fault) > 0


@pytest.mark.parametrize("name", BREAKS)
def test_every_guard_that_can_be_taken_out_is_where_it_is_said_to_be(name: str) -> None:
    with source_tree(name) as copy:
        assert BREAKS[name].broken in (copy / BREAKS[name].path).read_text()


def _unwatched(history: History, phase: str) -> None:
    """Nobody looks at the progress of a test."""
