"""Measured batch durations."""

import pytest

from runners.batch_durations import BatchDurations


def durations(**seconds: float) -> BatchDurations:
    """Measured once for each size: `durations(_4=2.0)`."""
    measured = BatchDurations()
    for size, took in seconds.items():
        measured.record(int(size.removeprefix("_")), took)
    return measured


def test_estimates_are_zero_before_the_first_measurement() -> None:
    assert BatchDurations().seconds(4) == BatchDurations().total(10, 4) == 0


@pytest.mark.parametrize(("size", "seconds"), [(1, 1.0), (2, 2.5), (4, 2.5), (8, 5.0), (0, 0.0)], ids=str)
def test_sizes_without_a_measurement_are_bounded_by_their_neighbours(size: int, seconds: float) -> None:
    assert durations(_1=1.0, _4=2.5).seconds(size) == seconds


@pytest.mark.parametrize(("pictures", "seconds"), [(0, 0.0), (1, 1.0), (4, 2.5), (5, 3.5), (12, 7.5)])
def test_the_total_is_full_batches_and_a_remainder(pictures: int, seconds: float) -> None:
    assert durations(_1=1.0, _4=2.5).total(pictures, 4) == seconds


def test_one_slow_batch_changes_little_and_many_change_the_estimate() -> None:
    measured = durations(_1=1.0)
    measured.record(1, 11.0)
    assert measured.seconds(1) == pytest.approx(3.0)
    for _ in range(40):
        measured.record(1, 11.0)
    assert measured.seconds(1) == pytest.approx(11.0, abs=0.1)
