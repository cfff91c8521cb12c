"""Runs the pipeline for several images concurrently, within limits of memory and cores."""

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from contextvars import copy_context
from typing import Self

from admission import BIG_PIXELS, Admission, Job, Place, big_cores
from concurrency import run_to_completion
from errors import RunnerUnavailable
from imaging import ImageInfo, Output, decode
from pipeline import AFTER_MODEL, BEFORE_MODEL, CLOSE_UPS, Decode, MattingModel, Result, Stages, Work, run
from pixel_budget import PixelBudget, weight
from telemetry import IN_FLIGHT, stage

OUTAGE_RETRY_S = 5
"""Retry-After for an unavailable model: a runner that died is replaced within seconds."""

_MIN_SECONDS = 0.03
"""CPU seconds for the smallest image, from upload to output file."""

_SMALL_SHARE = 0.3
"""Share of the pixel budget for images that are not big."""


def max_concurrency(threads: int) -> int:
    """Maximum number of concurrent CPU stages. At least two, so that a small image can run beside a big one: the
    operating system shares a core better than a queue does."""
    return max(2, threads)


class CutOut:
    """Runs the pipeline for as many images concurrently as memory and cores allow; all models share both.

    Args:
        models: by name; the first is the default.
        max_megapixels: images in progress, weighted by the memory that they need. A share is reserved for images that
            are not big; an image larger than its share runs alone in it.
        max_wait_s: the longest expected wait with which an image is admitted.
        decode: at concurrency `max_concurrency(threads)` calls run concurrently.
        threads: CPU stages to run concurrently, by default one per core; more would only slow every image down.

    Attributes:
        made: number of processed images.
    """

    def __init__(
        self,
        models: Mapping[str, MattingModel],
        *,
        max_megapixels: float,
        max_wait_s: float,
        decode: Decode = decode,
        threads: int | None = None,
    ) -> None:
        self._models = dict(models)
        self._decode = decode
        self._default = next(iter(models))
        threads = threads or os.cpu_count() or 1
        concurrency = max_concurrency(threads)
        self._pool = ThreadPoolExecutor(concurrency, thread_name_prefix="picture")
        self._cores = asyncio.Semaphore(concurrency)
        self._big = asyncio.Semaphore(big_cores(concurrency))
        self._admission = Admission(threads, max_wait_s)
        self.made = 0
        pixels = int(max_megapixels * 1e6)
        small = int(pixels * _SMALL_SHARE)
        self._budgets = PixelBudget(small), PixelBudget(pixels - small)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the threads. All images must be finished."""
        self._pool.shutdown()

    def check_available(self, model: str | None = None) -> None:
        """Check that a model is available; `model` as in a call.

        Raises:
            RunnerUnavailable: it is not.
        """
        fault = self._models[model or self._default].fault()
        if fault is not None:
            raise RunnerUnavailable(fault, retry_after=OUTAGE_RETRY_S)

    def admit(
        self, info: ImageInfo, output: Output, model: str | None = None, keys: frozenset[str] = frozenset()
    ) -> Place:
        """Reserve a place for one image; `model` as in a call. The place must be released.

        Args:
            keys: as `Job.keys`.

        Raises:
            Overloaded: the image would wait too long.
        """
        name = model or self._default
        matting_model = self._models[name]
        job = Job(
            name,
            _expected_s(info, output),
            is_big=info.width * info.height > BIG_PIXELS,
            keys=keys,
            runner_wait_s=matting_model.expected_wait(),
            picture_s=matting_model.picture_s(),
        )
        return self._admission.place(job)

    def backend(self, model: str) -> str | None:
        """The backend that runs this model; None while it is unknown."""
        return self._models[model].backend()

    async def __call__(
        self, body: bytes, info: ImageInfo, output: Output, model: str | None = None, place: Place | None = None
    ) -> Result:
        """Process a probed upload as ordered; `model` is a name, None for the default.

        `place` comes from `admit` and is released at the end; without it, the image is admitted now.

        Every wait for memory or for a core counts as the stage "queue". A cancelled call returns and releases its
        memory when the CPU stage in progress is finished, because a thread cannot be interrupted.

        Raises:
            InvalidImage: the pixels cannot be decoded.
            ProcessingFailed: the decoding process died.
            NothingFound: the model found no subject.
            Overloaded: the image would wait too long.
            RunnerUnavailable, ProcessingFailed: from `MattingModel.infer`.
            KeyError: no model has this name.
        """
        place = place or self.admit(info, output, model)
        try:
            with IN_FLIGHT.track_inprogress():
                async with self._budgets[place.job.is_big].reserved(weight(info, output)):
                    return await self._made(body, info, output, place)
        finally:
            self.made += 1
            place.release()

    async def _made(self, body: bytes, info: ImageInfo, output: Output, place: Place) -> Result:
        model = self._models[place.job.model]
        work = Work(body, info, output, model, self._decode)
        before_s = await self._on_cpu(place, BEFORE_MODEL, work)
        with stage("infer"):
            work.alpha = await model.infer(work.model_input)
        between_s = await self._look_again(place, work)
        place.inferred()
        after_s = await self._on_cpu(place, AFTER_MODEL, work)
        place.finished(before_s + between_s + after_s)
        return work.result

    async def _look_again(self, place: Place, work: Work) -> float:
        """Show the model the close-ups, one after another. Returns the CPU seconds."""
        seconds = await self._on_cpu(place, CLOSE_UPS, work)
        for image in work.close_up_inputs:
            with stage("infer"):
                work.close_up_alphas += (await work.model.infer(image),)
        return seconds

    async def _on_cpu(self, place: Place, stages: Stages, work: Work) -> float:
        """Run stages in a thread when a core is free. Returns their seconds."""
        async with AsyncExitStack() as stack:
            with stage("queue"):
                if place.job.is_big:
                    await stack.enter_async_context(self._big)
                await stack.enter_async_context(self._cores)
            loop, began = asyncio.get_running_loop(), time.monotonic()
            await run_to_completion(loop.run_in_executor(self._pool, copy_context().run, run, stages, work))
            return time.monotonic() - began


def _expected_s(info: ImageInfo, output: Output) -> float:
    return _MIN_SECONDS + info.width * info.height / 1e6 * output.format.encode_s
