"""Whether the simulator is right: the phases of a run, simulated and measured."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.capacity.measured import Measured, cores_used, measured, waits_of_sales
from benchmarks.capacity.simulation import Host, Outcome, arriving, closed
from loadtests.run import PhaseRun, Run


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of a phase."""

    phase: str
    figure: str
    measured: float
    simulated: float

    @property
    def off(self) -> float:
        """How far the simulator is off, as a share of what was measured."""
        return self.simulated / self.measured - 1 if self.measured else 0.0


def check(run: Run, cores: float | None) -> Iterator[Compared]:
    """Feed the simulator with the first phase that sold, and compare each later one that sold.

    Args:
        cores: that the service had; None: as many as it got in the phase, because other programs took the rest. Then
            the pictures per second of a busy phase prove nothing, and the waits still do.
    """
    sold = [phase for phase in run.phases if phase.deliveries]
    for first in sold[:1]:
        feed = measured(run, first)
        think_s = _think_s(first)
        for phase in sold[1:]:
            host = Host(cores=cores or cores_used(run, phase), decoders=2 * run.profile.workers)
            outcome = _simulated(phase, feed, host, think_s)
            waits = waits_of_sales(phase)
            yield Compared(phase.phase.name, "pictures/s", phase.sold_per_s, outcome.sold_per_s)
            for share in (50, 95):
                measured_s = float(np.percentile(waits, share))
                yield Compared(phase.phase.name, f"p{share} s", measured_s, outcome.percentile(share))


def _simulated(phase: PhaseRun, feed: Measured, host: Host, think_s: float) -> Outcome:
    seconds = phase.phase.seconds
    rails = {row[1] for row in phase.deliveries}
    jobs = [job for job in feed.jobs if job.rail in rails] or feed.jobs
    if phase.phase.users:
        users = sum(phase.phase.users.values())
        return closed(host, jobs, users=users, think_s=think_s, seconds=seconds)
    buyers = sum(rate for kind, rate in phase.arrivals.items() if kind not in {"quote", "window-shopper", "hostile"})
    return arriving(host, jobs, per_s=buyers, seconds=seconds)


def _think_s(phase: PhaseRun) -> float:
    """Seconds between a buyer's picture and the next paid request: the quote, and the signing."""
    users = sum(phase.phase.users.values())
    cycle_s = users * phase.phase.seconds / max(1, len(phase.deliveries))
    return max(0.0, cycle_s - float(np.mean(waits_of_sales(phase))))
