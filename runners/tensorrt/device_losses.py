"""Handling of a lost GPU: the process exits and restarts; after repeated losses TensorRT is not used."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from runners.backend import BackendError

log = structlog.get_logger(__name__)

MAX_LOSSES, WINDOW_S = 2, 600.0


class DeviceLosses:
    """Records device losses across restarts.

    Args:
        file: stores the times of losses.
        exit_process: ends the process with the status, without cleanup, because every CUDA call would fail or hang.
    """

    def __init__(self, file: Path, exit_process: Callable[[int], object] = os._exit) -> None:
        self._file, self._exit_process = file, exit_process

    def end(self, reason: str) -> None:
        """Record the loss and end the process."""
        log.critical("device_lost", reason=reason)
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text(json.dumps([*self._recent(), time.time()]))
        self._exit_process(1)

    def check(self) -> None:
        """Raises BackendError if the device was lost twice within the last ten minutes."""
        if len(self._recent()) >= MAX_LOSSES:
            raise BackendError(
                f"the GPU was lost {len(self._recent())} times within {WINDOW_S / 60:.0f} minutes. See "
                f"`device_lost` in the log; remove {self._file} to try TensorRT again"
            )

    def _recent(self) -> list[float]:
        try:
            times = [float(each) for each in json.loads(self._file.read_text())]
        except (OSError, ValueError, TypeError):
            return []
        return [each for each in times if 0 <= time.time() - each < WINDOW_S]
