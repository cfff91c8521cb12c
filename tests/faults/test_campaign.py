"""The short sample of the fault campaign: `make faults N=10000` is the long one."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import report
from tests.faults.breaks import BREAKS, source_tree
from tests.faults.campaign import Plan, run_leg
from tests.faults.legs import Leg

SEED = 402
CALLS = 50


@pytest.fixture(scope="module")
def source() -> Iterator[Path]:
    with source_tree(None) as copy:
        yield copy


@pytest.mark.parametrize("leg", ["sqlite", "facilitator"])
def test_no_money_is_lost_in_bad_weather(leg: Leg, source: Path, tmp_path: Path) -> None:
    plan = Plan(calls=CALLS, seed=SEED, buyers=10, minutes=1, source=source, kills=False)
    result = asyncio.run(run_leg(leg, plan, tmp_path, lambda history, phase: None))
    stories = report.write_stories(tmp_path, [result])
    assert result.findings.clean, f"{result.findings.columns}: {stories and stories.read_text()[:10_000]}"
    assert result.findings.columns["calls"] >= CALLS
    assert result.findings.columns["delivered"] > 0
    assert sum(count for fault, count in result.faults.items() if "spell" not in fault) > 0


@pytest.mark.parametrize("name", BREAKS)
def test_every_guard_that_can_be_taken_out_is_where_it_is_said_to_be(name: str) -> None:
    with source_tree(name) as copy:
        assert BREAKS[name].broken in (copy / BREAKS[name].path).read_text()
