"""Who is taken in, by the seconds that they would wait."""

import pytest

from admission import Admission, Job, Place, big_cores
from errors import Overloaded

SMALL = Job("m", 1.0)
BIG = Job("m", 8.0, is_big=True)


def test_a_place_waits_for_what_is_promised_before_it() -> None:
    admission = Admission(2, 10)
    assert [admission.place(SMALL).wait_s for _ in range(4)] == [0, 0.5, 1, 1.5]


def test_over_the_longest_wait_nobody_is_taken_in_until_something_is_done() -> None:
    admission = Admission(1, 2, chance=lambda: 0.5)
    first, *_ = [admission.place(SMALL) for _ in range(3)]
    with pytest.raises(Overloaded) as refused:
        admission.place(SMALL)
    assert refused.value.retry_after == 3
    first.release()
    first.release()
    assert admission.place(SMALL).wait_s == 2


def test_who_is_refused_together_comes_back_apart() -> None:
    """After half of the wait at the soonest, so that the queue never runs empty."""
    chances = iter([0.0, 0.5, 1.0])
    admission = Admission(1, 2, chance=lambda: next(chances))
    for _ in range(11):
        admission.places.add(Place(admission, SMALL, 1.0, 0.0))
    told = []
    for _ in range(3):
        with pytest.raises(Overloaded) as refused:
            admission.place(SMALL)
        told.append(refused.value.retry_after)
    assert told == [6, 11, 17]


def test_the_more_were_sent_away_the_later_the_next_one_comes_back() -> None:
    """Twice as many as can be made until then; those who have come back are not counted any more."""
    now = 0.0
    admission = Admission(1, 9.5, chance=lambda: 1.0, clock=lambda: now)
    for _ in range(10):
        admission.place(SMALL)

    def told() -> int | None:
        with pytest.raises(Overloaded) as refused:
            admission.place(SMALL)
        return refused.value.retry_after

    assert [told() for _ in range(100)][::20] == [15, 15, 25, 35, 45]
    now = 25.0
    assert told() == 35
    now = 1000.0
    assert told() == 15


def test_big_pictures_leave_a_core_to_small_ones() -> None:
    admission = Admission(2, 10)
    assert [admission.place(BIG).wait_s for _ in range(2)] == [0, 8]
    with pytest.raises(Overloaded):
        admission.place(BIG)
    assert admission.place(SMALL).wait_s == 0
    assert (big_cores(1), big_cores(2), big_cores(8)) == (1, 1, 7)


def test_the_runner_counts_by_what_it_says_and_by_what_is_promised() -> None:
    admission = Admission(4, 10)
    assert admission.place(Job("m", 0.0, runner_wait_s=3, picture_s=1)).wait_s == 3
    waits = [admission.place(Job("m", 0.0, picture_s=2)) for _ in range(3)]
    assert [each.wait_s for each in waits] == [2, 4, 6]
    for each in waits:
        each.inferred()
    assert admission.place(Job("m", 0.0, picture_s=2)).wait_s == 2
    assert admission.place(Job("other", 0.0, picture_s=2)).wait_s == 0


def test_a_sender_has_half_of_the_queue_at_most() -> None:
    admission = Admission(1, 10)
    mine = Job("m", 2.0, keys=frozenset({"10.0.0.1", "0xpayer"}))
    held = [admission.place(mine) for _ in range(2)]
    for keys in ({"10.0.0.1"}, {"0xpayer", "10.0.0.2"}):
        with pytest.raises(Overloaded):
            admission.place(Job("m", 2.0, keys=frozenset(keys)))
    admission.place(Job("m", 2.0, keys=frozenset({"10.0.0.3"})))
    held[0].release()
    admission.place(mine)


def test_one_picture_of_a_sender_is_never_too_much() -> None:
    assert Admission(1, 10).place(Job("m", 60.0, keys=frozenset({"10.0.0.1"}))).wait_s == 0


def test_the_time_of_finished_pictures_is_learned() -> None:
    admission = Admission(1, 1000)
    for _ in range(40):
        place = admission.place(SMALL)
        place.finished(3.0)
        place.release()
    admission.place(SMALL)
    assert admission.place(SMALL).wait_s == pytest.approx(3, rel=0.01)
    admission.lanes[0].learn(1.0, 1e9)
    assert admission.lanes[0].factor < 10, "a machine that stood still is no measure"
