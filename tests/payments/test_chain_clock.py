"""The clock by which payments are judged, and what the chain's blocks say of it."""

import pytest

from errors import RailUnavailable
from payments.chain_clock import MAX_APART_S, ChainClock
from tests.fakes.clock import FakeClock

FIVE_MINUTES = 300.0


@pytest.fixture
def wall() -> FakeClock:
    return FakeClock()


@pytest.fixture
def steady() -> FakeClock:
    return FakeClock(50.0)


@pytest.fixture
def clock(wall: FakeClock, steady: FakeClock) -> ChainClock:
    return ChainClock(wall=wall, steady=steady)


def test_before_a_block_is_seen_the_host_is_believed(clock: ChainClock, wall: FakeClock) -> None:
    assert clock.now() == wall.now
    clock.check()


@pytest.mark.parametrize("off", [-MAX_APART_S + 1, 0, MAX_APART_S - 1])
def test_a_host_that_the_chain_confirms_is_believed(clock: ChainClock, wall: FakeClock, off: float) -> None:
    """A block is some seconds old when it is seen."""
    clock.saw(int(wall.now - off))
    assert clock.now() == wall.now
    assert clock.fault is None


@pytest.mark.parametrize("off", [-FIVE_MINUTES, FIVE_MINUTES])
def test_a_host_that_the_chain_contradicts_judges_nothing(
    clock: ChainClock, wall: FakeClock, steady: FakeClock, off: float
) -> None:
    """What is under way goes on by the chain's time."""
    clock.saw(int(wall.now - off))
    assert clock.fault is not None
    assert "300 s" in clock.fault
    with pytest.raises(RailUnavailable, match="300 s"):
        clock.check()
    for each in (wall, steady):
        each.now += 10
    assert clock.now() == pytest.approx(wall.now - off, abs=1)


@pytest.mark.parametrize("jump", [-FIVE_MINUTES, FIVE_MINUTES])
def test_a_jump_is_noticed_before_the_next_block_is_seen(clock: ChainClock, wall: FakeClock, jump: float) -> None:
    clock.saw(int(wall.now))
    wall.now += jump
    assert clock.fault is not None
    assert clock.now() == pytest.approx(wall.now - jump, abs=1)
    wall.now -= jump
    assert clock.fault is None


def test_a_host_that_was_set_right_judges_again(clock: ChainClock, wall: FakeClock) -> None:
    clock.saw(int(wall.now - FIVE_MINUTES))
    wall.now -= FIVE_MINUTES
    clock.saw(int(wall.now))
    clock.check()


def test_a_chain_that_stands_still_is_noticed(clock: ChainClock, wall: FakeClock, steady: FakeClock) -> None:
    """Its latest block is seen again and again."""
    latest = int(wall.now)
    for _ in range(6):
        clock.saw(latest)
        for each in (wall, steady):
            each.now += 3
    clock.saw(latest)
    assert clock.fault is not None
    assert "too old" in clock.fault
