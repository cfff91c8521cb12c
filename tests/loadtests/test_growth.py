"""Growth is judged between a warm service and its end."""

import pytest

from loadtests.growth import grown, table
from loadtests.profile import Growth, Phase
from loadtests.run import PhaseRun
from tests.loadtests.runs import phase_run, requests, samples

LIMITS = Growth(settled_s=10, window_s=10)
SOAK = Phase(name="soak", seconds=40, arrivals={"quote": 1})


def soak(*figures: tuple[float, float, int, int], waits: list[float] | None = None) -> PhaseRun:
    """Forty seconds of an API worker, one look a second."""
    return phase_run(requests("quote", *(waits or [10.0] * 40)), phase=SOAK, samples=samples("API worker 1", *figures))


def test_what_grows_while_it_gets_warm_is_not_growth() -> None:
    steady = soak(*[(100.0, 1.0, 10, 5)] * 8, *[(300.0, 1.0, 90, 40)] * 32)
    assert grown(steady, LIMITS) == []
    assert table(steady, LIMITS) == [("API worker 1", 300, 300, 90, 90, 40, 40)]


def test_twenty_megabytes_are_allowed_and_one_more_is_not() -> None:
    assert grown(soak(*[(100.0, 1.0, 9, 9)] * 20, *[(120.0, 1.0, 9, 9)] * 20), LIMITS) == []
    found = grown(soak(*[(100.0, 1.0, 9, 9)] * 20, *[(121.0, 1.0, 9, 9)] * 20), LIMITS)
    assert found == ["API worker 1: memory grew from 100 to 121 MB, 20 allowed"]


@pytest.mark.parametrize(
    ("last", "complaint"),
    [
        ((100.0, 1.0, 31, 9), "API worker 1: open files grew from 9 to 31, 20 allowed"),
        ((100.0, 1.0, 9, 15), "API worker 1: threads grew from 9 to 15, 5 allowed"),
    ],
)
def test_files_and_threads_are_counted(last: tuple[float, float, int, int], complaint: str) -> None:
    assert grown(soak(*[(100.0, 1.0, 9, 9)] * 20, *[last] * 20), LIMITS) == [complaint]


def test_waits_that_grow_are_found() -> None:
    steady = [(100.0, 1.0, 9, 9)] * 40
    assert grown(soak(*steady, waits=[100.0] * 30 + [190.0] * 10), LIMITS) == []  # less than 100 ms more
    found = grown(soak(*steady, waits=[100.0] * 30 + [210.0] * 10), LIMITS)
    assert found == ["quote: median wait grew from 100 to 210 ms, 1.5 times allowed"]


def test_a_process_that_ended_is_told() -> None:
    assert grown(soak(*[(100.0, 1.0, 9, 9)] * 25), LIMITS) == ["API worker 1: did not live through the run"]


def test_a_soak_that_saw_no_process_says_nothing_good() -> None:
    assert grown(soak(), LIMITS) == ["no process of the service was seen"]
