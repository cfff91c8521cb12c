"""The batcher: starts the next batch as soon as the device is free, with the images that wait then.

Adaptive batching with a time window delays a single image after a burst. Here the batch size follows the load: the
images of the next batch arrive while the current batch runs.
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
from runners.batch_durations import BatchDurations
from tracing import past_span

log = structlog.get_logger(__name__)

_STALLED_TIMES = 10
"""A batch is stalled when it takes this many times longer than expected."""


@dataclass(eq=False, slots=True)
class _QueuedPicture:
    """One queued image; `answer` is done when its caller no longer waits. Its batch has `size` images, 0 before."""

    image: Pixels
    answer: asyncio.Future[Pixels]
    queued_at: float
    began_at: float = 0.0
    size: int = 0

    def begin(self, size: int) -> None:
        """Its batch starts."""
        self.began_at, self.size = time.monotonic(), size

    def trace(self) -> None:
        """Its wait and its inference as spans."""
        if self.size:
            past_span("queue", self.queued_at, self.began_at)
            past_span("inference", self.began_at, time.monotonic(), batch_size=self.size)


@dataclass(frozen=True, slots=True)
class _Running:
    """Start time and expected duration of the batch in progress."""

    began: float
    expected_s: float


class Batcher:
    """Joins single images for one model into batches for one device, in order of arrival.

    An entry leaves the queue when its deadline passes or its caller is cancelled, so no batch contains abandoned work.
    When a batch fails, its images are run one by one, so that only the faulty image fails.

    Args:
        run: uint8 [N,S,S,3] → uint8 [N,S,S]; called in a dedicated thread, one batch at a time.
        limit: maximum images per batch; halved when the device runs out of memory.
        max_wait_s: maximum queued work in seconds.
        max_waiting_bytes: maximum bytes of queued images.
        durations: earlier measurements, if any.
        stalled_s: a batch is never considered stalled before this time.
    """

    def __init__(
        self,
        run: Callable[[Pixels], Pixels],
        *,
        limit: int,
        max_wait_s: float,
        max_waiting_bytes: int = 512_000_000,
        durations: BatchDurations | None = None,
        stalled_s: float = 10.0,
    ) -> None:
        self._run = run
        self.limit = limit
        self._max_wait_s = max_wait_s
        self._max_waiting_bytes = max_waiting_bytes
        self._durations = durations or BatchDurations()
        self._stalled_s = stalled_s
        self._waiting: deque[_QueuedPicture] = deque()
        self._running: _Running | None = None
        self._worker: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inference")

    @property
    def waiting(self) -> int:
        """Queued images, without those in progress."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether no image is queued or in progress."""
        return self._running is None and not self._waiting

    @property
    def picture_s(self) -> float:
        """Measured seconds per image with full batches; 0 before the first measurement."""
        return self._durations.seconds(self.limit) / self.limit

    def expected_wait(self) -> float:
        """Seconds until the inference of an image submitted now would start."""
        waiting = self._durations.total(len(self._waiting), self.limit)
        if self._running is None:
            return waiting
        return waiting + max(0.0, self._running.began + self._running.expected_s - time.monotonic())

    def stalled_for(self) -> float | None:
        """Elapsed seconds of the batch in progress if it is stalled; else None."""
        if self._running is None:
            return None
        elapsed = time.monotonic() - self._running.began
        is_stalled = elapsed > max(self._stalled_s, _STALLED_TIMES * self._running.expected_s)
        return elapsed if is_stalled else None

    def check_capacity(self, within_s: float) -> None:
        """Refuse an image that would miss its deadline or does not fit into the queue. An idle device accepts
        every image: otherwise a measurement that was too high would never be corrected.

        Raises:
            Overloaded: `retry_after` is the expected wait.
        """
        if self._running is None and not self._waiting:
            return
        wait = self.expected_wait()
        # All queued images have the same size.
        held = len(self._waiting) * self._waiting[0].image.nbytes if self._waiting else 0
        if wait > self._max_wait_s or wait + self._durations.seconds(1) > within_s or held >= self._max_waiting_bytes:
            raise overloaded(wait)

    async def infer(self, image: Pixels, *, within_s: float) -> Pixels:
        """uint8 RGB [S,S,3] → uint8 alpha [S,S].

        Raises:
            Overloaded: the image would miss or missed its deadline, or the queue is full.
            ProcessingFailed: the backend failed on this image.
        """
        self.check_capacity(within_s)
        entry = _QueuedPicture(image, asyncio.get_running_loop().create_future(), time.monotonic())
        self._waiting.append(entry)
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        try:
            async with asyncio.timeout(within_s):
                return await entry.answer
        except TimeoutError as error:
            raise overloaded(self.expected_wait()) from error
        finally:
            entry.trace()
            if entry in self._waiting:
                self._waiting.remove(entry)

    async def _work(self) -> None:
        while self._waiting:
            size = min(self.limit, len(self._waiting))
            await self._batch([self._waiting.popleft() for _ in range(size)])

    async def _batch(self, batch: Sequence[_QueuedPicture]) -> None:
        for entry in batch:
            entry.begin(len(batch))
        try:
            alphas = await self._run_timed([entry.image for entry in batch])
        except Exception as error:
            # Whatever the backend raises, the queue must continue.
            log.warning("batch_failed", size=len(batch), exc_info=error)
            await self._after_failure(batch, error)
        else:
            for entry, alpha in zip(batch, alphas, strict=True):
                _answer(entry, alpha)

    async def _after_failure(self, batch: Sequence[_QueuedPicture], error: Exception) -> None:
        if isinstance(error, OutOfMemory) and len(batch) > 1:
            self.limit = min(self.limit, len(batch) // 2)
            log.warning("batch_limit_lowered", limit=self.limit)
        if len(batch) == 1:
            _fail(batch[0], error)
            return
        for entry in batch:
            if not entry.answer.done():
                await self._batch([entry])

    async def _run_timed(self, images: Sequence[Pixels]) -> Pixels:
        began = time.monotonic()
        self._running = _Running(began, self._durations.seconds(len(images)))
        try:
            alphas = await asyncio.get_running_loop().run_in_executor(self._thread, self._run_checked, images)
            self._durations.record(len(images), time.monotonic() - began)
            return alphas
        finally:
            self._running = None

    def _run_checked(self, pictures: Sequence[Pixels]) -> Pixels:
        images = pictures[0][None] if len(pictures) == 1 else np.stack(pictures)
        alphas = self._run(images)
        if alphas.shape != images.shape[:3] or alphas.dtype != np.uint8:
            raise ValueError(f"the backend returned {alphas.dtype} {alphas.shape} for {images.shape}")
        return alphas

    def close(self) -> None:
        """Stop the thread after the batch in progress."""
        self._thread.shutdown(wait=False)


def overloaded(wait_s: float) -> Overloaded:
    """The error for an image that would wait this long."""
    return Overloaded(
        "The queue of this model is full. Retry after the Retry-After interval.",
        retry_after=max(1, math.ceil(wait_s)),
    )


def _answer(entry: _QueuedPicture, alpha: Pixels) -> None:
    if not entry.answer.done():
        entry.answer.set_result(alpha)


def _fail(entry: _QueuedPicture, error: Exception) -> None:
    if not entry.answer.done():
        failure = ProcessingFailed("The background could not be removed from this image.")
        failure.__cause__ = error
        entry.answer.set_exception(failure)
