"""What is known of the time that batches take."""

import pytest

from runners.pace import Pace


def pace(**seconds: float) -> Pace:
    """Measured once for each size: `pace(_4=2.0)`."""
    measured = Pace()
    for size, took in seconds.items():
        measured.note(int(size.removeprefix("_")), took)
    return measured


def test_nothing_is_known_before_it_was_measured() -> None:
    assert Pace().seconds(4) == Pace().work(10, 4) == 0


@pytest.mark.parametrize(("size", "seconds"), [(1, 1.0), (2, 2.5), (4, 2.5), (8, 5.0), (0, 0.0)], ids=str)
def test_other_sizes_are_bounded_by_their_neighbours(size: int, seconds: float) -> None:
    assert pace(_1=1.0, _4=2.5).seconds(size) == seconds


@pytest.mark.parametrize(("pictures", "seconds"), [(0, 0.0), (1, 1.0), (4, 2.5), (5, 3.5), (12, 7.5)])
def test_work_is_that_of_full_batches_and_a_rest(pictures: int, seconds: float) -> None:
    assert pace(_1=1.0, _4=2.5).work(pictures, 4) == seconds


def test_one_slow_batch_changes_little_and_many_change_all() -> None:
    measured = pace(_1=1.0)
    measured.note(1, 11.0)
    assert measured.seconds(1) == pytest.approx(3.0)
    for _ in range(40):
        measured.note(1, 11.0)
    assert measured.seconds(1) == pytest.approx(11.0, abs=0.1)
