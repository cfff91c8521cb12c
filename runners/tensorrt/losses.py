"""What follows when the GPU is lost: the process ends, is started anew, and leaves TensorRT alone if that goes on."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from runners.backend import BackendError

log = structlog.get_logger(__name__)

MANY, WITHIN_S = 2, 600.0


class Losses:
    """Remembers losses over restarts.

    Args:
        file: in which their times stand.
        ends: ends this process with the status; no cleaning up, for every call of CUDA would fail or hang.
    """

    def __init__(self, file: Path, ends: Callable[[int], object] = os._exit) -> None:
        self._file, self._ends = file, ends

    def end(self, reason: str) -> None:
        """The device is lost for this process: write it down, and end."""
        log.critical("device_lost", reason=reason)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps([*self._recent(), time.time()]))
        self._ends(1)

    def refuse_when_many(self) -> None:
        """Raises BackendError when the device was lost twice within the last ten minutes."""
        if len(self._recent()) >= MANY:
            raise BackendError(
                f"the GPU was lost {len(self._recent())} times within {WITHIN_S / 60:.0f} minutes. The log says why at "
                f"`device_lost`; remove {self._file} to try TensorRT again"
            )

    def _recent(self) -> list[float]:
        try:
            times = [float(each) for each in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []
        return [each for each in times if 0 <= time.time() - each < WITHIN_S]
