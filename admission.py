"""Whether one more picture is admitted: by the seconds that it would wait, before its payment is verified and claimed.

A place is the capacity for one picture. It is held from admission on, so that simultaneous requests are counted.
The wait for a new place is the CPU time of all held places, divided by the cores, plus the runner's wait.

Pictures of more than `BIG_PIXELS` have their own lane: they use all cores but one, so that small ones, which are nearly
all, never wait for the ten seconds of a large one. Each lane is first in, first out.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush

from errors import Overloaded

BIG_PIXELS = 12_500_000
"""Most pictures of cameras and phones are smaller."""

_FAIR_SHARE = 0.5
"""Share of the longest wait that the pictures of one address, or of one payer, may cause."""

_RETURNS_PER_PLACE = 2.0
"""Refused senders that are asked back for each place expected to be free by then: pictures take longer in a burst, and
some senders do not return, so with fewer returns places would stay empty."""

_LONGEST_PAUSE_S = 120.0
_REMEMBERED = 10_000

_LEARNING = 0.2
_FACTORS = (0.1, 30.0)


@dataclass(frozen=True, slots=True)
class Job:
    """One picture for admission.

    Attributes:
        model: its model.
        expected_s: CPU seconds of its stages on a common machine.
        is_big: whether it has more than `BIG_PIXELS`.
        keys: its senders: an address, and a payer if known.
        runner_wait_s: the wait that the runner reports for a picture sent now.
        picture_s: the runner's seconds for one picture.
    """

    model: str
    expected_s: float
    is_big: bool = False
    keys: frozenset[str] = frozenset()
    runner_wait_s: float = 0.0
    picture_s: float = 0.0


class Place:
    """A job's place, until it is released.

    Attributes:
        job: the picture.
        seconds: expected CPU time.
        wait_s: expected wait at its admission.
        is_before_runner: whether its inference has not finished.
    """

    def __init__(self, admission: "Admission", job: Job, seconds: float, wait_s: float) -> None:
        self.job = job
        self.seconds = seconds
        self.wait_s = wait_s
        self.is_before_runner = True
        self._admission = admission

    def inferred(self) -> None:
        """Its inference is done."""
        self.is_before_runner = False

    def finished(self, took_s: float) -> None:
        """Its picture is finished, after so many CPU seconds."""
        self._admission.lanes[self.job.is_big].learn(self.job.expected_s, took_s)

    def release(self) -> None:
        """Release it; may be called twice."""
        self._admission.places.discard(self)


@dataclass
class Lane:
    """Small pictures or big ones: their cores and their speed.

    Attributes:
        cores: number that they may use at a time.
        factor: actual seconds per expected second; learned.
    """

    cores: int
    factor: float = 1.0

    def learn(self, expected_s: float, took_s: float) -> None:
        """Correct the factor by one finished picture."""
        lowest, highest = _FACTORS
        found = min(max(took_s / expected_s, lowest), highest)
        self.factor += _LEARNING * (found - self.factor)


@dataclass
class Admission:
    """All places of one API worker.

    Args:
        cores: CPU stages that run at a time.
        max_wait_s: the longest expected wait with which a picture is admitted.
        chance: a random number from 0 to 1, which spreads the returns of those refused together.
        clock: seconds.

    Attributes:
        lanes: one for small and one for big pictures.
        places: the held places.
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
            raise self._overloaded("The service is at capacity.", wait_s)
        place = Place(self, job, job.expected_s * self.lanes[job.is_big].factor, wait_s)
        delayed = max((self._delayed_by(key) for key in job.keys), default=0.0)
        if delayed and delayed + self._delay(place) > _FAIR_SHARE * self.max_wait_s:
            raise self._overloaded("You have reached the limit of waiting images per sender.", delayed)
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
        """Seconds until the sender should return: the more refusals, the later, because each costs a part of a sale."""
        now = self.clock()
        while self._returns and (self._returns[0] <= now or len(self._returns) >= _REMEMBERED):
            heappop(self._returns)
        each_s = wait_s / max(1, len(self.places))
        range_s = max(wait_s, len(self._returns) * each_s / _RETURNS_PER_PLACE)
        pause_s = min(wait_s / 2 + self.chance() * range_s, _LONGEST_PAUSE_S)
        heappush(self._returns, now + pause_s)
        return max(1, math.ceil(pause_s))


def big_cores(cores: int) -> int:
    """How many of so many cores big pictures may use at a time."""
    return max(1, cores - 1)
