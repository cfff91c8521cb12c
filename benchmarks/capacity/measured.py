"""What a run of the load tests measured: the stages of each picture, the CPU that it took, the memory that was held."""

from dataclasses import dataclass
from statistics import mean

import numpy as np

from loadtests.report.figures import cpu_s, peak_mb
from loadtests.run import PhaseRun, Run

COMPUTED = ("decode", "infer", "compose", "encode")
"""Stages of Server-Timing that compute; others wait for the chain (`verify`, `settle`) or for a place (`queue`)."""

WAITED = ("verify", "settle")


@dataclass(frozen=True, slots=True)
class Job:
    """One picture.

    Attributes:
        computes_s: CPU seconds by stage, `own` apart: payment, HTTP, database.
        waits_s: seconds for the chain.
        rail: that it was paid over: one chain answers faster than the other.
    """

    computes_s: dict[str, float]
    waits_s: float
    rail: str = ""

    @property
    def cpu_s(self) -> float:
        """All its CPU seconds."""
        return sum(self.computes_s.values())


@dataclass(frozen=True, slots=True)
class Measured:
    """What the simulator is fed with.

    Attributes:
        jobs: of the pictures of one phase.
        cpu_s: CPU seconds of the service per picture, chains and load apart.
        memory_mb: the most resident megabytes of all its processes; what they share counts more than once.
    """

    jobs: tuple[Job, ...]
    cpu_s: float
    memory_mb: float


class NothingSoldError(Exception):
    """A run holds no picture, or no figures of processes."""


def measured(run: Run, phase: PhaseRun) -> Measured:
    """From one phase; best from one with little load, whose stages hardly wait for each other.

    The stages' times are wall times, which other programs lengthen. So their sum is scaled to the CPU time that the
    service's processes took, which depends less on others.

    Raises:
        NothingSoldError: there is nothing to be measured.
    """
    sold = [(row[1], _stages(row[4])) for row in phase.deliveries if row[4]]
    cpu = _cpu_per_picture(run, phase)
    if not sold or not cpu:
        raise NothingSoldError(f"Phase {phase.phase.name!r} sold nothing, or the service's processes were not seen.")
    computed = mean(sum(each.get(stage, 0.0) for stage in COMPUTED) for _, each in sold)
    # What is no stage (HTTP, payment, database) is the rest; on a busy machine the stages alone are longer than that.
    scale = min(1.0, _STAGES_SHARE * cpu / computed)
    own = cpu - scale * computed
    return Measured(tuple(_job(rail, each, scale, own) for rail, each in sold), cpu, peak_mb(run))


_STAGES_SHARE = 0.9
"""Of the CPU of a picture, at most: payment and HTTP take 10 to 15 ms of some 200 (docs/performance.md)."""


def _job(rail: str, stages: dict[str, float], scale: float, own: float) -> Job:
    computes = {stage: scale * stages.get(stage, 0.0) for stage in COMPUTED} | {"own": own}
    return Job(computes, sum(stages.get(stage, 0.0) for stage in WAITED), rail)


def _stages(server_timing: str) -> dict[str, float]:
    """Seconds by stage, of one header value: `decode;dur=12.3, infer;dur=45.6`."""
    parts = (each.strip().partition(";dur=") for each in server_timing.split(","))
    return {stage: float(ms) / 1000 for stage, _, ms in parts if ms}


def cores_used(run: Run, phase: PhaseRun) -> float:
    """CPU seconds per second that the service's processes got in a phase, until its last sample."""
    lasted: float = max(row["at"] for row in phase.samples) - phase.began
    return _cpu_s(run, phase) / max(lasted, phase.phase.seconds)


def _cpu_per_picture(run: Run, phase: PhaseRun) -> float:
    return _cpu_s(run, phase) / len(phase.deliveries) if phase.deliveries else 0.0


def _cpu_s(run: Run, phase: PhaseRun) -> float:
    return cpu_s(Run(run.name, run.profile, run.began, run.machine, [phase], run.money))


def waits_of_sales(phase: PhaseRun) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Seconds of each paid request that was served."""
    found = [ms for name, ms in phase.waits().items() if name.startswith("paid") and not name.endswith("shed")]
    return np.concatenate(found) / 1000 if found else np.array([])
