"""What a server and its processes spend and hold."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

_EVERY_S = 0.25


class Meter:
    """CPU seconds of a process and all below it while the block runs, and the most memory that they held together.

    Attributes:
        cpu_s: all their CPU time.
        rss_mb: the largest sum of their resident megabytes; memory that two of them share counts twice.
        pss_mb: the same with shared memory divided among those who share it.
    """

    def __init__(self, process: psutil.Process) -> None:
        self._process = process
        self._done = threading.Event()
        self.cpu_s = self.rss_mb = self.pss_mb = 0.0

    def __enter__(self) -> Self:
        self._before = self._cpu()
        self._sampler = threading.Thread(target=self._sample)
        self._sampler.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._sampler.join()
        self.cpu_s = self._cpu() - self._before

    def _tree(self) -> list[psutil.Process]:
        return [self._process, *self._process.children(recursive=True)]

    def _cpu(self) -> float:
        return sum(sum(each.cpu_times()[:2]) for each in self._tree())

    def _sample(self) -> None:
        while not self._done.wait(_EVERY_S):
            rss, pss = (sum(each) for each in zip(*map(_held_mb, self._tree()), strict=True))
            self.rss_mb, self.pss_mb = max(self.rss_mb, rss), max(self.pss_mb, pss)


def _held_mb(process: psutil.Process) -> tuple[float, float]:
    """Resident megabytes, and its share of them (Linux: proc_pid_smaps)."""
    with suppress(OSError):
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
        fields = {line.split(":")[0]: line.split()[1] for line in lines[1:]}
        return int(fields["Rss"]) * 1024 / 1e6, int(fields["Pss"]) * 1024 / 1e6
    return 0.0, 0.0


def load_average() -> float:
    """Of the last minute: how busy the machine is with this and with everything else."""
    return round(os.getloadavg()[0], 2)


def settle(seconds: float) -> None:
    """Let what follows an answer be counted: looks at a settlement, memory given back."""
    time.sleep(seconds)
