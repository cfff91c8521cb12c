"""Whether one more picture is taken in: by the seconds that it would wait, before its payment is verified and claimed.

A place is the promise to cut one picture out. It is held from then on, so that all who come at once are counted. The
wait for a new place is the CPU time that is promised already, divided by the cores, and the runner's wait.

Pictures of more than `BIG_PIXELS` have a lane of their own: they use all cores but one, so that small ones, which are
nearly all, never wait for the ten seconds of a large one. In each lane the first is served first.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from errors import Overloaded

BIG_PIXELS = 12_500_000
"""What most cameras and phones send is smaller."""

_FAIR_SHARE = 0.5
"""Of the longest wait: so much of it may be due to the pictures of one address, or of one payer."""

_TOO_MANY = 2.0
"""How many come back for each place that is expected to be free by then: none may stay empty, because times are longer
in a burst than before it, and some who were refused do not come back."""

_LONGEST_PAUSE_S = 120.0
_REMEMBERED = 10_000

_LEARNING = 0.2
_FACTORS = (0.1, 30.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One picture, as far as admission needs to know it.

    Attributes:
        model: that cuts it out.
        reckoned_s: CPU seconds of its stages on a common machine.
        is_big: whether it has more than `BIG_PIXELS`.
        keys: who it is for: an address, and a payer where one is known.
        runner_wait_s: what the runner says that a picture sent now would wait.
        picture_s: the runner's seconds for one picture.
    """

    model: str
    reckoned_s: float
    is_big: bool = False
    keys: frozenset[str] = frozenset()
    runner_wait_s: float = 0.0
    picture_s: float = 0.0


class Place:
    """A job's place, until it is released.

    Attributes:
        job: what it is for.
        seconds: CPU time that it is expected to take.
        wait_s: that it was expected to wait before.
        is_before_runner: whether its picture still has to be cut out.
    """

    def __init__(self, admission: "Admission", job: Job, seconds: float, wait_s: float) -> None:
        self.job = job
        self.seconds = seconds
        self.wait_s = wait_s
        self.is_before_runner = True
        self._admission = admission

    def inferred(self) -> None:
        """The runner is done with it."""
        self.is_before_runner = False

    def finished(self, took_s: float) -> None:
        """It was made, with so many seconds on cores."""
        self._admission.lanes[self.job.is_big].learn(self.job.reckoned_s, took_s)

    def release(self) -> None:
        """Give it back; may be told twice."""
        self._admission.places.discard(self)


@dataclass
class Lane:
    """What is known of pictures of one kind.

    Attributes:
        cores: that they may use at a time.
        factor: how many seconds a picture takes for each that was reckoned; learned.
    """

    cores: int
    factor: float = 1.0

    def learn(self, reckoned_s: float, took_s: float) -> None:
        """One more was finished."""
        lowest, highest = _FACTORS
        found = min(max(took_s / reckoned_s, lowest), highest)
        self.factor += _LEARNING * (found - self.factor)


@dataclass
class Admission:
    """All places of one API worker.

    Args:
        cores: CPU stages that run at a time.
        max_wait_s: the longest expected wait with which a picture is taken in.
        chance: a number from 0 to 1, by which those who are refused together come back apart.
        clock: seconds.

    Attributes:
        lanes: of small pictures and of big ones.
        places: that are held.
    """

    cores: int
    max_wait_s: float
    chance: Callable[[], float] = random.random
    clock: Callable[[], float] = time.monotonic
    lanes: tuple[Lane, Lane] = field(init=False)
    places: set[Place] = field(default_factory=set)
    _returns: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lanes = Lane(self.cores), Lane(big_cores(self.cores))

    def place(self, job: Job) -> Place:
        """A place for one picture.

        Raises:
            Overloaded: it would wait too long, or its sender has a fair share of the queue already.
        """
        wait_s = self._wait_s(job)
        if wait_s > self.max_wait_s:
            raise self._overloaded("More pictures are waiting than can be made in time.", wait_s)
        place = Place(self, job, job.reckoned_s * self.lanes[job.is_big].factor, wait_s)
        delayed = max((self._delayed_by(key) for key in job.keys), default=0.0)
        if delayed and delayed + self._delay(place) > _FAIR_SHARE * self.max_wait_s:
            raise self._overloaded("As many pictures of yours are waiting as one sender may have.", delayed)
        self.places.add(place)
        return place

    def _wait_s(self, job: Job) -> float:
        promised_s = sum(each.seconds for each in self.places if each.job.is_big == job.is_big)
        before_runner = sum(each.is_before_runner and each.job.model == job.model for each in self.places)
        return promised_s / self.lanes[job.is_big].cores + max(job.runner_wait_s, before_runner * job.picture_s)

    def _delayed_by(self, key: str) -> float:
        """Seconds that this sender's pictures delay others."""
        return sum(self._delay(each) for each in self.places if key in each.job.keys)

    def _delay(self, place: Place) -> float:
        return place.seconds / self.lanes[place.job.is_big].cores + place.job.picture_s

    def _overloaded(self, reason: str, wait_s: float) -> Overloaded:
        retry_after = self._pause_s(wait_s)
        return Overloaded(f"{reason} Send the same request again in {retry_after} seconds.", retry_after=retry_after)

    def _pause_s(self, wait_s: float) -> int:
        """After how many seconds to come back: the more have been sent away, the later, because each refusal costs a
        part of a sale."""
        now = self.clock()
        while self._returns and (self._returns[0] <= now or len(self._returns) >= _REMEMBERED):
            heappop(self._returns)
        each_s = wait_s / max(1, len(self.places))
        range_s = max(wait_s, len(self._returns) * each_s / _TOO_MANY)
        pause_s = min(wait_s / 2 + self.chance() * range_s, _LONGEST_PAUSE_S)
        heappush(self._returns, now + pause_s)
        return max(1, math.ceil(pause_s))


def big_cores(cores: int) -> int:
    """How many of so many cores big pictures may use at a time."""
    return max(1, cores - 1)
