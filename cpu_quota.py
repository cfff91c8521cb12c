"""The number of CPUs that this process may use, by its CPU mask and its container's quota."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

_HIERARCHIES = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def available_cpus(hierarchies: Path = _HIERARCHIES, membership: Path = _MEMBERSHIP) -> int:
    """Whole CPUs, at least one; a quota of 1.5 CPUs counts as two, as in the JVM and in Go.

    `docker run --cpus` and a limit in Kubernetes set a quota of time (cgroups(7)). The CPU mask, which Python counts,
    still shows every CPU of the host then.

    Args:
        hierarchies: mount points of the cgroup file systems.
        membership: the file that names this process's cgroups.
    """
    in_mask = len(os.sched_getaffinity(0))
    return max(1, min([in_mask, *(math.ceil(quota) for quota in _quotas(hierarchies, membership))]))


def _quotas(hierarchies: Path, membership: Path) -> Iterator[float]:
    """The quotas in CPUs of this process's cgroup and of every cgroup above it."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # not Linux, or no cgroups
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers:
            yield from _v2(hierarchies, path)
        elif "cpu" in controllers.split(","):
            yield from _v1(hierarchies / "cpu", path)


def _v2(root: Path, path: str) -> Iterator[float]:
    for folder in _upwards(root, path):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if quota.isdecimal() and period:
            yield int(quota) / int(period)


def _v1(root: Path, path: str) -> Iterator[float]:
    for folder in _upwards(root, path):
        quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period:  # without a limit the quota is -1
            yield int(quota) / int(period)


def _upwards(root: Path, path: str) -> Iterator[Path]:
    """The cgroup's folder and its parents. Inside a container only the root may exist; it is the container's."""
    inner = PurePosixPath(path.lstrip("/"))
    yield root / inner
    yield from (root / each for each in inner.parents)


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
