"""A pool of decoder processes; a process that ends is replaced."""

import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from typing import Self

import structlog

from errors import Overloaded
from imaging.isolated.limits import Limits
from imaging.isolated.process import DecoderProcess
from imaging.picture import Picture
from imaging.probing import ImageInfo

__all__ = ["IS_POSSIBLE", "DecoderPool"]

log = structlog.get_logger(__name__)

IS_POSSIBLE = sys.platform == "linux"
"""Other systems lack memfd and seccomp."""

_CHECK_INTERVAL_S = 1.0
_START_TIMEOUT_S = 60.0
_NONE_FREE = "The service is at capacity: no decoder is free. Retry after the Retry-After interval."


class DecoderPool:
    """Decodes in isolated processes. Enter it once; at most as many threads as processes may call `decode`.

    One thread that lives as long as the pool starts and replaces the processes, because the kernel kills a process when
    the thread that started it ends.

    Args:
        processes: number of processes.
        codec: module whose `decode` they call.
        timeout_s: maximum wait for a free process, which may still be starting.
    """

    def __init__(
        self,
        processes: int,
        *,
        codec: str = "imaging.isolated.codec",
        limits: Limits | None = None,
        timeout_s: float = 20.0,
    ) -> None:
        self._codec = codec
        self._limits = limits or Limits()
        self._timeout_s = timeout_s
        self._size = processes
        self._processes: list[DecoderProcess] = []
        self._in_use: set[DecoderProcess] = set()
        self._free: queue.SimpleQueue[DecoderProcess] = queue.SimpleQueue()
        self._has_changed, self._is_closing = threading.Event(), threading.Event()
        self._maintainer = threading.Thread(target=self._maintain, name="decoders", daemon=True)

    def __enter__(self) -> Self:
        """Start the processes in the background; the first `decode` waits for one."""
        self._maintainer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all processes. Pixels that are still referenced stay valid."""
        self._is_closing.set()
        self._has_changed.set()
        self._maintainer.join()

    @property
    def pids(self) -> list[int]:
        """Ids of the processes that can decode."""
        return [each.pid for each in self._processes if each.is_ready and each.is_usable]

    async def health(self) -> str | None:
        """Why images cannot be decoded, as a public sentence; None if they can."""
        return None if self.pids else "no decoder is running"

    def decode(self, body: bytes, info: ImageInfo) -> Picture:
        """As `imaging.decode`, in another process. Blocks.

        Raises:
            InvalidImage: also if the codec crashes on the file or exceeds the limits for its size.
            ProcessingFailed: the process was killed or does not respond.
            Overloaded: no process becomes free in time.
        """
        with self._acquired() as process:
            return process.decode(body, info)

    @contextmanager
    def _acquired(self) -> Iterator[DecoderProcess]:
        process = self._acquire()
        try:
            yield process
        finally:
            self._in_use.discard(process)
            if process.is_usable:
                self._free.put(process)
            else:
                self._has_changed.set()

    def _acquire(self) -> DecoderProcess:
        deadline = time.monotonic() + self._timeout_s
        while True:
            try:
                process = self._free.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise Overloaded(_NONE_FREE) from None
            self._in_use.add(process)
            if process.is_usable:
                return process
            self._in_use.discard(process)
            self._has_changed.set()

    def _maintain(self) -> None:
        """Start processes and replace ended ones until the pool is closed."""
        while not self._is_closing.is_set():
            self._has_changed.clear()
            self._replace()
            starting = [each for each in self._processes if not each.is_ready]
            if starting:
                self._receive_start(starting)
            else:
                self._has_changed.wait(_CHECK_INTERVAL_S)
            for each in self._processes:
                each.release_idle()
        for each in self._processes:
            each.end()

    def _replace(self) -> None:
        for each in [each for each in self._processes if self._is_over(each)]:
            each.end()
            self._processes.remove(each)
        try:
            while len(self._processes) < self._size:
                self._processes.append(DecoderProcess(self._codec, self._limits))
        except OSError as error:
            log.error("decoder_spawn_failed", error=repr(error))

    def _is_over(self, process: DecoderProcess) -> bool:
        """Whether it must be replaced. One in use is left to its user, who notices immediately."""
        if process in self._in_use:
            return False
        return not process.is_usable or (
            not process.is_ready and time.monotonic() > process.started_at + _START_TIMEOUT_S
        )

    def _receive_start(self, starting: list[DecoderProcess]) -> None:
        speaking = wait([each.channel for each in starting], _CHECK_INTERVAL_S)
        for each in starting:
            if each.channel in speaking:
                each.receive_start()
                if each.is_ready:
                    self._free.put(each)
                else:
                    self._is_closing.wait(_CHECK_INTERVAL_S)  # do not retry a failed start immediately
