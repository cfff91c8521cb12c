"""A host as queues: cores, decoder processes, the runner, the admission, and the wait for the chain (simpy).

Simplified: cores are shared in turns of 20 ms; a picture's stages follow each other; pictures of all sizes share one
lane; nothing else runs on the host.
"""

import random
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from benchmarks.capacity.measured import Job

TURN_S = 0.02
_LEAST_THINK_S = 0.001  # one who is refused at once must not stop the clock
_LEARNING = 0.2
Steps = Generator[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Host:
    """What a host has.

    Attributes:
        cores: for the service; 1.5 is one and a half, of which others take the rest.
        decoders: decoding processes of all API workers.
        runners: inferences at a time.
        max_wait_s: the longest expected wait with which a picture is admitted (CLEARCANVAS_RUNNER__MAX_WAIT_S).
    """

    cores: float
    decoders: int = 2
    runners: int = 1
    max_wait_s: float = 10.0


@dataclass
class Outcome:
    """What came of it.

    Attributes:
        waits_s: of each sale that ended within the time.
        shed: refused for lack of capacity.
    """

    seconds: float
    waits_s: list[float] = field(default_factory=list)
    shed: int = 0

    @property
    def sold_per_s(self) -> float:
        """Pictures per second."""
        return len(self.waits_s) / self.seconds

    def percentile(self, share: float) -> float:
        """Seconds within which this percentage of the sales ended; 0 without any."""
        return float(np.percentile(self.waits_s, share)) if self.waits_s else 0.0


class _Service:
    def __init__(self, host: Host, jobs: Sequence[Job], seed: int) -> None:
        self.env = simpy.Environment()
        self.draw = random.Random(seed)  # noqa: S311 - no secret
        self.jobs = jobs
        self._host = host
        whole = max(1, round(host.cores))
        self._slowness = whole / host.cores
        self._cores = simpy.Resource(self.env, whole)
        self._decoders = simpy.Resource(self.env, host.decoders)
        self._runners = simpy.Resource(self.env, host.runners)
        self._promised_s = 0.0
        self._to_infer = 0
        self._inference_s = min((job.computes_s["infer"] for job in jobs), default=0.0)

    def sale(self, outcome: Outcome) -> Steps:
        """One paid request; True when a picture was delivered."""
        job, began = self.draw.choice(self.jobs), self.env.now
        yield from self._compute(job.computes_s["own"])  # of one who is refused, too: quote, upload and refusal
        if self._expected_wait_s() > self._host.max_wait_s:
            outcome.shed += 1
            return False
        stages_s = job.cpu_s - job.computes_s["infer"] - job.computes_s["own"]
        self._promised_s += stages_s
        self._to_infer += 1
        yield from self._held(self._decoders, job.computes_s["decode"])
        yield from self._infer(job.computes_s["infer"])
        self._to_infer -= 1
        yield from self._compute(job.computes_s["compose"] + job.computes_s["encode"])
        self._promised_s -= stages_s
        yield self.env.timeout(job.waits_s)
        if self.env.now <= outcome.seconds:
            outcome.waits_s.append(self.env.now - began)
        return True

    def _expected_wait_s(self) -> float:
        """As admission.py reckons it: the stages of all admitted pictures, and the runner's queue, by the time that the
        runner's latest pictures took: longer than their CPU time where others use the cores."""
        return self._promised_s / self._host.cores + self._to_infer * self._inference_s / self._host.runners

    def _infer(self, seconds: float) -> Steps:
        with self._runners.request() as place:
            yield place
            began = self.env.now
            yield from self._compute(seconds)
            self._inference_s += _LEARNING * (self.env.now - began - self._inference_s)

    def _held(self, resource: simpy.Resource, seconds: float) -> Steps:
        with resource.request() as place:
            yield place
            yield from self._compute(seconds)

    def _compute(self, seconds: float) -> Steps:
        left = seconds * self._slowness
        while left > 0:
            with self._cores.request() as core:
                yield core
                yield self.env.timeout(min(left, TURN_S))
            left -= TURN_S


def closed(host: Host, jobs: Sequence[Job], *, users: int, think_s: float, seconds: float, seed: int = 1) -> Outcome:
    """So many buyers, each with one sale at a time, and a pause before the next one."""
    service, outcome = _Service(host, jobs, seed), Outcome(seconds)

    def buyer() -> Steps:
        while True:
            yield from service.sale(outcome)
            yield service.env.timeout(max(think_s, _LEAST_THINK_S))

    for _ in range(users):
        service.env.process(buyer())
    service.env.run(until=seconds)
    return outcome


def arriving(host: Host, jobs: Sequence[Job], *, per_s: float, seconds: float, seed: int = 1) -> Outcome:
    """Buyers at independent moments, so many per second on average."""
    service, outcome = _Service(host, jobs, seed), Outcome(seconds)

    def buyers() -> Steps:
        while True:
            yield service.env.timeout(service.draw.expovariate(per_s))
            service.env.process(service.sale(outcome))

    service.env.process(buyers())
    service.env.run(until=seconds)
    return outcome
