"""The figures of a run, as tables and plots show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from loadtests.growth import OURS
from loadtests.run import SHED, PhaseRun, Run

Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
PERCENTILES = (50, 95, 99)


@dataclass(frozen=True)
class ClassRow:
    """A class of requests over all phases: how many, how many failed, and percentiles of the served in milliseconds."""

    name: str
    served: int
    failed: int
    percentiles: tuple[float, ...]


def class_rows(run: Run) -> list[ClassRow]:
    """One for each class, by name."""
    names = sorted({row[1] for phase in run.phases for row in phase.requests})
    return [_class_row(run, name) for name in names]


def _class_row(run: Run, name: str) -> ClassRow:
    rows = [row for phase in run.phases for row in phase.requests if row[1] == name]
    waits = [row[2] for row in rows if not row[3]]
    found = tuple(float(each) for each in np.percentile(waits, PERCENTILES)) if waits else ()
    return ClassRow(name, len(waits), len(rows) - len(waits), found)


def waits(run: Run) -> dict[str, tuple[Numbers, Numbers]]:
    """Of each class that was served: seconds since the first request, and milliseconds."""
    rows = [row for phase in run.phases for row in phase.requests if not row[3]]
    found = {}
    for name in sorted({row[1] for row in rows}):
        own = sorted((row[0] - run.origin, row[2]) for row in rows if row[1] == name)
        found[name] = (np.array([at for at, _ in own]), np.array([ms for _, ms in own]))
    return found


def throughput(run: Run, bin_s: float) -> tuple[Numbers, dict[str, Numbers]]:
    """Middles of the bins, and per second in each: pictures sold, other answers, shed and failed requests."""
    rows = [row for phase in run.phases for row in phase.requests]
    moments = {
        "pictures sold": [row[0] for row in run.deliveries],
        "other requests served": [row[0] for row in rows if not row[3] and not row[1].startswith("paid")],
        "shed": [row[0] for row in rows if row[1].endswith(SHED)],
        "failed": [row[0] for row in rows if row[3]],
    }
    end = max(phase.ended for phase in run.phases) - run.origin
    edges = np.arange(0, end + bin_s, bin_s)
    counts = {name: np.histogram(np.array(at) - run.origin, edges)[0] / bin_s for name, at in moments.items()}
    return edges[:-1] + bin_s / 2, {name: each for name, each in counts.items() if each.any()}


def samples(run: Run) -> list[dict[str, Any]]:
    """Of all phases."""
    return [row for phase in run.phases for row in phase.samples]


def process_names(run: Run) -> list[str]:
    """The service's first, then the chains and the load."""
    names = {name for row in samples(run) for name in row["processes"]}
    return sorted(names, key=lambda name: (not name.startswith(OURS), name))


def process_series(run: Run, name: str, column: int) -> tuple[Numbers, Numbers]:
    """Seconds since the first request, and a figure of a process: 0 megabytes, 1 CPU seconds, 2 files, 3 threads."""
    seen = [row for row in samples(run) if name in row["processes"]]
    rows = [(row["at"] - run.origin, row["processes"][name][column]) for row in seen]
    return np.array([at for at, _ in rows]), np.array([value for _, value in rows])


def cpu_share(run: Run, name: str) -> tuple[Numbers, Numbers]:
    """Seconds since the first request, and how much of a core the process had since the sample before."""
    at, seconds = process_series(run, name, 1)
    lasted, used = np.diff(at), np.diff(seconds)
    good = (lasted > 0) & (used >= 0)  # a process that replaces another one begins at 0
    return at[1:][good], used[good] / lasted[good]


def gauge(run: Run, name: str) -> tuple[Numbers, Numbers]:
    """Seconds since the first request, and what the service's metrics said."""
    rows = [(row["at"] - run.origin, row["counted"][name]) for row in samples(run) if name in row["counted"]]
    return np.array([at for at, _ in rows]), np.array([value for _, value in rows])


def batch_sizes(run: Run) -> tuple[Numbers, Numbers]:
    """Seconds since the first request, and pictures per inference call since the sample before."""
    (at, pictures), (_, batches) = gauge(run, "pictures"), gauge(run, "batches")
    more = np.diff(batches)
    return at[1:][more > 0], np.diff(pictures)[more > 0] / more[more > 0]


def stage_means(phase: PhaseRun) -> dict[str, float]:
    """Mean milliseconds of each stage of a paid request in one phase, by the service's metrics."""
    rows = [row["counted"] for row in phase.samples if row["counted"]]
    if len(rows) < 2:
        return {}
    first, last = rows[0], rows[-1]
    names = [key[len("stage ") : -2] for key in last if key.startswith("stage ") and key.endswith(" n")]
    found = {}
    for name in names:
        number = _more(first, last, f"stage {name} n")
        if number:
            found[name] = 1000 * _more(first, last, f"stage {name} s") / number
    return found


def _more(first: dict[str, float], last: dict[str, float], key: str) -> float:
    return last.get(key, 0.0) - first.get(key, 0.0)


def cpu_s(run: Run, prefixes: Sequence[str] = OURS) -> float:
    """CPU seconds of the processes whose names begin so, while the phases ran."""
    total = 0.0
    for phase in run.phases:
        for name in {name for row in phase.samples for name in row["processes"] if name.startswith(tuple(prefixes))}:
            values = [row["processes"][name][1] for row in phase.samples if name in row["processes"]]
            total += sum(max(0.0, after - before) for before, after in pairwise(values))
    return total


def peak_mb(run: Run) -> float:
    """The largest sum of the service's resident megabytes; memory that processes share counts more than once."""
    sums = [
        sum(figures[0] for name, figures in row["processes"].items() if name.startswith(OURS)) for row in samples(run)
    ]
    return max(sums, default=0.0)
