"""As many decoder processes as pictures are decoded at a time; one that ends is replaced."""

import queue
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import wait
from types import TracebackType
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
"""Other systems have neither anonymous shared files nor seccomp."""

_LOOK_S = 1.0
_START_S = 60.0
_NONE_FREE = "The service is at capacity: no decoder is free. Send the same request again soon."


class DecoderPool:
    """Decodes in processes of its own. Enter it once; `decode` may be called by as many threads as there are processes.

    Processes are started, and replaced, by one thread that lives as long as the pool: the kernel ends a process when
    the thread that started it ends.

    Args:
        processes: how many.
        codec: module whose `decode` they call.
        patience_s: how long to wait for a process that is free: with as many threads as processes, one is starting.
    """

    def __init__(
        self,
        processes: int,
        *,
        codec: str = "imaging.isolated.codec",
        limits: Limits | None = None,
        patience_s: float = 20.0,
    ) -> None:
        self._codec = codec
        self._limits = limits or Limits()
        self._patience_s = patience_s
        self._size = processes
        self._processes: list[DecoderProcess] = []
        self._lent: set[DecoderProcess] = set()
        self._free: queue.SimpleQueue[DecoderProcess] = queue.SimpleQueue()
        self._has_changed, self._is_closing = threading.Event(), threading.Event()
        self._keeper = threading.Thread(target=self._keep, name="decoders", daemon=True)

    def __enter__(self) -> Self:
        """Begin to start the processes; the first call of `decode` waits for one."""
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End all processes. Pixels that somebody still looks at stay."""
        self._is_closing.set()
        self._has_changed.set()
        self._keeper.join()

    @property
    def pids(self) -> list[int]:
        """Of the processes that can decode."""
        return [each.pid for each in self._processes if each.is_ready and each.is_usable]

    async def health(self) -> str | None:
        """What is out, as a public sentence; None when pictures can be decoded."""
        return None if self.pids else "no decoder runs"

    def decode(self, body: bytes, info: ImageInfo) -> Picture:
        """As `imaging.decode`, in another process. Blocks.

        Raises:
            InvalidImage: also where the file made the codec crash, or take more time or memory than its size explains.
            ProcessingFailed: the process was ended from outside, or does not answer.
            Overloaded: no process is free, and none becomes free in time.
        """
        with self._one() as process:
            return process.decode(body, info)

    @contextmanager
    def _one(self) -> Iterator[DecoderProcess]:
        process = self._next()
        try:
            yield process
        finally:
            self._lent.discard(process)
            if process.is_usable:
                self._free.put(process)
            else:
                self._has_changed.set()

    def _next(self) -> DecoderProcess:
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                process = self._free.get(timeout=max(deadline - time.monotonic(), 0))
            except queue.Empty:
                raise Overloaded(_NONE_FREE) from None
            self._lent.add(process)
            if process.is_usable:
                return process
            self._lent.discard(process)
            self._has_changed.set()

    def _keep(self) -> None:
        """Start processes, and replace those that ended, until the pool is closed."""
        while not self._is_closing.is_set():
            self._has_changed.clear()
            self._replace()
            starting = [each for each in self._processes if not each.is_ready]
            if starting:
                self._receive_start(starting)
            else:
                self._has_changed.wait(_LOOK_S)
            for each in self._processes:
                each.forget_idle()
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
        """Whether it must be replaced. One that is lent is left to its borrower, who finds out at once."""
        if process in self._lent:
            return False
        return not process.is_usable or (not process.is_ready and time.monotonic() > process.started_at + _START_S)

    def _receive_start(self, starting: list[DecoderProcess]) -> None:
        speaking = wait([each.channel for each in starting], _LOOK_S)
        for each in starting:
            if each.channel in speaking:
                each.receive_start()
                if each.is_ready:
                    self._free.put(each)
                else:
                    self._is_closing.wait(_LOOK_S)  # what cannot start is not tried again at once
