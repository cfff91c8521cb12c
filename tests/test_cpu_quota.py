"""The quota of a container counts, in both versions of cgroups, wherever in the hierarchy it is set."""

import os
from pathlib import Path

import pytest

from cpu_quota import available_cpus

MASK = len(os.sched_getaffinity(0))


def _cgroups(folder: Path, membership: str, files: dict[str, str]) -> tuple[Path, Path]:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content + "\n")
    (folder / "membership").write_text(membership + "\n")
    return folder, folder / "membership"


@pytest.mark.parametrize(
    ("membership", "files", "quota"),
    [
        ("0::/", {"cpu.max": "100000 100000"}, 1),
        ("0::/", {"cpu.max": "20000 100000"}, 1),
        ("0::/", {"cpu.max": "101000 100000"}, 2),
        ("0::/", {"cpu.max": "max 100000"}, MASK),
        ("0::/pod/container", {"pod/container/cpu.max": "max 100000", "pod/cpu.max": "100000 100000"}, 1),
        ("0::/pod/container", {"cpu.max": "100000 100000"}, 1),  # the container sees its own cgroup as the root
        ("0::/pod", {"other/cpu.max": "100000 100000"}, MASK),
        ("1:cpu,cpuacct:/", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ("1:cpu:/host/path", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 1),
        ("1:cpu:/", {"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, MASK),
        ("3:cpuset:/", {"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, MASK),
        ("4:name=a:b:/\n0::/", {"cpu.max": "50000 100000"}, 1),
    ],
)
def test_the_quota_bounds_the_mask(tmp_path: Path, membership: str, files: dict[str, str], quota: int) -> None:
    assert available_cpus(*_cgroups(tmp_path, membership, files)) == min(MASK, quota)


def test_without_cgroups_the_mask_counts(tmp_path: Path) -> None:
    assert available_cpus(tmp_path, tmp_path / "missing") == MASK


def test_it_reads_this_machine() -> None:
    assert 1 <= available_cpus() <= MASK
