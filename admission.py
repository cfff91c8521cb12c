"""Whether one more picture is taken in: by the seconds that it would wait, before its payment is verified and claimed.

A place is the promise to cut one picture out. It is held from then on, so that all who come at once are counted. The
wait for a new place is the CPU time that is promised already, divided by the cores, and the runner's wait.

Pictures of more than `BIG_PIXELS` have a lane of their own: they use all cores but one, so that small ones, which are
nearly all, never wait for the ten seconds of a large one. In each lane the first is served first.
"""

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from errors import Overloaded

BIG_PIXELS = 12_500_000
"""What most cameras and phones send is smaller."""

_FAIR_SHARE = 0.5
"""Of the longest wait: so much of it may be due to the pictures of one address, or of one payer."""

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
    """

    def __init__(self, admission: "Admission", job: Job, seconds: float, wait_s: float) -> None:
        self.job = job
        self.seconds = seconds
        self.wait_s = wait_s
        self._admission = admission
        self._is_held = True
        self._is_before_runner = True

    def inferred(self) -> None:
        """The runner is done with it."""
        if self._is_before_runner:
            self._is_before_runner = False
            self._admission.before_runner[self.job.model] -= 1

    def finished(self, took_s: float) -> None:
        """It was made, with so many seconds on cores."""
        self._admission.lanes[self.job.is_big].learn(self.job.reckoned_s, took_s)

    def release(self) -> None:
        """Give it back; may be told twice."""
        if self._is_held:
            self._is_held = False
            self.inferred()
            self._admission.count(self, -1)


@dataclass
class Lane:
    """What is promised to pictures of one kind.

    Attributes:
        cores: that they may use at a time.
        promised_s: CPU seconds.
        factor: how many seconds a picture takes for each that was reckoned; learned.
    """

    cores: int
    promised_s: float = 0.0
    factor: float = 1.0

    @property
    def wait_s(self) -> float:
        """Seconds until a core is free for one more."""
        return self.promised_s / self.cores

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

    Attributes:
        lanes: of small pictures and of big ones.
        before_runner: places by model whose picture the runner has not cut out yet.
    """

    cores: int
    max_wait_s: float
    lanes: tuple[Lane, Lane] = field(init=False)
    before_runner: Counter[str] = field(default_factory=Counter)
    _delays: defaultdict[str, float] = field(
        default_factory=lambda: defaultdict(float)
    )  # seconds that each key's pictures delay others

    def __post_init__(self) -> None:
        self.lanes = Lane(self.cores), Lane(big_cores(self.cores))

    def place(self, job: Job) -> Place:
        """A place for one picture.

        Raises:
            Overloaded: it would wait too long, or its sender has a fair share of the queue already.
        """
        lane = self.lanes[job.is_big]
        wait_s = lane.wait_s + max(job.runner_wait_s, self.before_runner[job.model] * job.picture_s)
        if wait_s > self.max_wait_s:
            raise _overloaded("More pictures are waiting than can be made in time.", wait_s)
        place = Place(self, job, job.reckoned_s * lane.factor, wait_s)
        delayed = max((self._delays.get(key, 0.0) for key in job.keys), default=0.0)
        if delayed and delayed + self._delay(place) > _FAIR_SHARE * self.max_wait_s:
            raise _overloaded("As many pictures of yours are waiting as one sender may have.", delayed)
        self.before_runner[job.model] += 1
        self.count(place, 1)
        return place

    def count(self, place: Place, sign: int) -> None:
        """One more place that is held (1), or one less (-1)."""
        lane = self.lanes[place.job.is_big]
        lane.promised_s = max(0.0, lane.promised_s + sign * place.seconds)
        for key in place.job.keys:
            self._delays[key] += sign * self._delay(place)
            if self._delays[key] < 1e-9:  # rounding
                del self._delays[key]

    def _delay(self, place: Place) -> float:
        return place.seconds / self.lanes[place.job.is_big].cores + place.job.picture_s


def big_cores(cores: int) -> int:
    """How many of so many cores big pictures may use at a time."""
    return max(1, cores - 1)


def _overloaded(reason: str, wait_s: float) -> Overloaded:
    retry_after = max(1, math.ceil(wait_s))
    return Overloaded(f"{reason} Send the same request again in {retry_after} seconds.", retry_after=retry_after)
