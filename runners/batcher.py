"""The batcher: takes whatever waits when the device is free, and never waits for more.

Adaptive batching with a time window holds a lone picture back after a burst. Here the batch size follows the load by
itself: while one batch is at work, the pictures of the next one arrive.
"""

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import structlog

from errors import Overloaded, ProcessingFailed
from runners.backend import OutOfMemory, Pixels
from runners.pace import Pace

log = structlog.get_logger(__name__)

_STALLED_TIMES = 10
"""A batch that takes so many times longer than expected is not believed to end."""


@dataclass(eq=False, slots=True)
class _Entry:
    """One picture that waits; whoever waits for it has left when `answer` is done."""

    image: Pixels
    answer: asyncio.Future[Pixels]


@dataclass(frozen=True, slots=True)
class _Running:
    """What is at work since when, and how long it should take."""

    began: float
    expected_s: float


class Batcher:
    """Joins single pictures of one model into batches for one device, first come, first served.

    An entry leaves the queue when its time is over or its caller is cancelled, so no batch holds work that nobody
    wants. When a batch fails, its pictures are run one by one, so that a bad one fails alone.

    Args:
        run: uint8 [N,S,S,3] → uint8 [N,S,S]; called in one thread of its own, one batch at a time.
        limit: pictures per batch at most; halved when the device is out of memory.
        max_wait_s: seconds of work that may wait.
        max_waiting_bytes: bytes of the pictures that may wait.
        pace: what was measured before, if anything was.
        stalled_s: a shorter batch is never called stalled.
    """

    def __init__(
        self,
        run: Callable[[Pixels], Pixels],
        *,
        limit: int,
        max_wait_s: float,
        max_waiting_bytes: int = 512_000_000,
        pace: Pace | None = None,
        stalled_s: float = 10.0,
    ) -> None:
        self._run = run
        self.limit = limit
        self._max_wait_s = max_wait_s
        self._max_waiting_bytes = max_waiting_bytes
        self._pace = pace or Pace()
        self._stalled_s = stalled_s
        self._waiting: deque[_Entry] = deque()
        self._running: _Running | None = None
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")

    @property
    def waiting(self) -> int:
        """Pictures that wait, without those at work."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing waits and nothing is at work."""
        return self._running is None and not self._waiting

    @property
    def picture_s(self) -> float:
        """Measured seconds per picture when batches are full; 0 before anything was measured."""
        return self._pace.seconds(self.limit) / self.limit

    def expected_wait(self) -> float:
        """Seconds until the inference of a picture that comes now would begin."""
        waiting = self._pace.work(len(self._waiting), self.limit)
        if self._running is None:
            return waiting
        return waiting + max(0.0, self._running.began + self._running.expected_s - time.monotonic())

    def stalled_for(self) -> float | None:
        """Seconds for which the batch at work has not ended, if that is far too long; else None."""
        if self._running is None:
            return None
        elapsed = time.monotonic() - self._running.began
        is_stalled = elapsed > max(self._stalled_s, _STALLED_TIMES * self._running.expected_s)
        return elapsed if is_stalled else None

    def refuse(self, within_s: float) -> None:
        """Refuse a picture that would not be done within this time, or for which there is no room. An idle device
        takes every picture: only so can a measurement that was too high be corrected.

        Raises:
            Overloaded: its `retry_after` is the expected wait.
        """
        if self._running is None and not self._waiting:
            return
        wait = self.expected_wait()
        # The queue's bytes are those of pictures of one size.
        held = len(self._waiting) * self._waiting[0].image.nbytes if self._waiting else 0
        if wait > self._max_wait_s or wait + self._pace.seconds(1) > within_s or held >= self._max_waiting_bytes:
            raise overloaded(wait)

    async def infer(self, image: Pixels, *, within_s: float) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Raises:
            Overloaded: the picture would not be done, or was not done, within this time, or there is no room for it.
            ProcessingFailed: the backend failed on this picture alone.
        """
        self.refuse(within_s)
        entry = _Entry(image, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        try:
            async with asyncio.timeout(within_s):
                return await entry.answer
        except TimeoutError as error:
            raise overloaded(self.expected_wait()) from error
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    async def _work(self) -> None:
        while self._waiting:
            size = min(self.limit, len(self._waiting))
            await self._batch([self._waiting.popleft() for _ in range(size)])

    async def _batch(self, batch: Sequence[_Entry]) -> None:
        try:
            alphas = await self._timed([entry.image for entry in batch])
        except Exception as error:
            # Whatever a backend raises, the queue behind this batch is served on.
            log.warning("batch_failed", size=len(batch), exc_info=error)
            await self._after_failure(batch, error)
        else:
            for entry, alpha in zip(batch, alphas, strict=True):
                _answer(entry, alpha)

    async def _after_failure(self, batch: Sequence[_Entry], error: Exception) -> None:
        if isinstance(error, OutOfMemory) and len(batch) > 1:
            self.limit = min(self.limit, len(batch) // 2)
            log.warning("batch_limit_lowered", limit=self.limit)
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for entry in batch:
            if not entry.answer.done():
                await self._batch([entry])

    async def _timed(self, images: Sequence[Pixels]) -> Pixels:
        began = time.monotonic()
        self._running = _Running(began, self._pace.seconds(len(images)))
        try:
            alphas = await asyncio.get_running_loop().run_in_executor(self._thread, self._checked, images)
            self._pace.note(len(images), time.monotonic() - began)
            return alphas
        finally:
            self._running = None

    def _checked(self, pictures: Sequence[Pixels]) -> Pixels:
        images = pictures[0][None] if len(pictures) == 1 else np.stack(pictures)
        alphas = self._run(images)
        if alphas.shape != images.shape[:3] or alphas.dtype != np.uint8:
            raise ValueError(f"the backend answered {alphas.dtype} {alphas.shape} to {images.shape}")
        return alphas

    def close(self) -> None:
        """End the thread when the batch at work is done."""
        self._thread.shutdown(wait=False)


def overloaded(wait_s: float) -> Overloaded:
    """The refusal of a picture that would have to wait this long."""
    return Overloaded(
        "More pictures are waiting for the model than it can cut out in time. Send this one again later.",
        retry_after=max(1, math.ceil(wait_s)),
    )


def _answer(entry: _Entry, alpha: Pixels) -> None:
    if not entry.answer.done():
        entry.answer.set_result(alpha)


def _fail(entry: _Entry, error: Exception) -> None:
    if not entry.answer.done():
        failure = ProcessingFailed("The picture could not be cut out.")
        failure.__cause__ = error
        entry.answer.set_exception(failure)
