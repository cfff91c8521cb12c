"""The work on one page: decode → fit → infer → compose → finish → encode, within bounds of memory and cores."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from admission import BIG_PIXELS, Admission, Job, Place, big_cores
from concurrency import run_to_completion
from errors import NothingFound, RunnerUnavailable
from imaging.box import Box
from imaging.compose import compose
from imaging.decode import decode
from imaging.encode import encode
from imaging.finish import finish
from imaging.formats import ImageFormat
from imaging.high_key import darkened
from imaging.model_input import to_model_input
from imaging.output import Output
from imaging.picture import Picture, Pixels
from imaging.probe import ImageInfo
from imaging.subject import has_subject
from telemetry import IN_FLIGHT, stage

T = TypeVar("T")

Decode = Callable[[bytes, ImageInfo], Picture]
"""A probed upload to its picture; runs in a thread, as `imaging.decode.decode` or in a process of its own."""

Infer = Callable[[Pixels], Awaitable[Pixels]]
"""uint8 [S,S,3] RGB to uint8 alpha [S,S]; raises only errors of errors.py."""


@dataclass(frozen=True, slots=True)
class MattingModel:
    """A model, wherever it runs.

    Attributes:
        size: S, the side of its square input.
        fault: why it cuts nothing out at present, as a public sentence; None when it is well.
        expected_wait: seconds until the inference of a picture that is sent now would begin.
        picture_s: seconds of the runner for one picture.
        darken_light: whether it finds more in very light pictures that are darkened for it.
        backend: what runs it; None while that is not known.
    """

    infer: Infer
    size: int
    fault: Callable[[], str | None] = lambda: None
    expected_wait: Callable[[], float] = lambda: 0.0
    picture_s: Callable[[], float] = lambda: 0.0
    darken_light: bool = False
    backend: Callable[[], str | None] = lambda: None


OUT_S = 5
"""When to ask again for a model that is out: a runner that has died is replaced within some seconds."""

_BYTES_PER_PIXEL = 8
"""What the budget's megapixel stands for: the memory that a plain picture takes per pixel until it is a PNG."""

_OUTPUT_BYTES = {ImageFormat.PNG: 8, ImageFormat.JPEG: 8, ImageFormat.WEBP: 24}
"""Peak memory per pixel of compose and encode. WebP takes 7, and 24 where no quality of it is possible but lossless."""

_SECONDS = {ImageFormat.PNG: 0.08, ImageFormat.JPEG: 0.04, ImageFormat.WEBP: 0.06}
_LEAST_S = 0.03
"""CPU seconds per megapixel from the upload to the file, and of the smallest picture; admission learns the rest."""

_FOR_SMALL = 0.3
"""Of the room for pictures: for those that are not big. The others share the rest."""

_FINISH_BYTES = 8
"""Peak memory per pixel of a crop, and of shrinking, beside the cut-out."""


@dataclass(frozen=True, slots=True)
class Result:
    """A finished picture.

    Attributes:
        body: the encoded file.
        width, height: its size in pixels.
        subject: where the subject was in the upright upload.
    """

    body: bytes
    width: int
    height: int
    subject: Box


def at_a_time(threads: int) -> int:
    """How many CPU stages run at a time at most. On one core a small picture runs beside a big one all the same: the
    system divides it better than a queue."""
    return max(2, threads)


class CutOut:
    """Cuts pictures out, as many at a time as memory and cores allow; all models share both.

    Args:
        networks: by name; the first is the default.
        decode: called `at_a_time(threads)` times at a time at most.
        threads: CPU stages that run at a time, by default one per core; more would only make every picture slower.
        max_megapixels: pictures at work at a time, weighted by the memory that they need; a part is for pictures that
            are not big, and one that weighs more than its part runs alone in it.
        max_wait_s: the longest expected wait with which a picture is taken in.

    Attributes:
        made: how many pictures have been worked on.
    """

    def __init__(
        self,
        networks: Mapping[str, MattingModel],
        *,
        decode: Decode = decode,
        threads: int | None = None,
        max_megapixels: float = 250.0,
        max_wait_s: float = 10.0,
    ) -> None:
        self._networks = dict(networks)
        self._decode = decode
        self._default = next(iter(networks))
        threads = threads or os.cpu_count() or 1
        most = at_a_time(threads)
        self._pool = ThreadPoolExecutor(most, thread_name_prefix="picture")
        self._cores = asyncio.Semaphore(most)
        self._big = asyncio.Semaphore(big_cores(most))
        self._admission = Admission(threads, max_wait_s)
        self.made = 0
        pixels = int(max_megapixels * 1e6)
        small = int(pixels * _FOR_SMALL)
        self._room = PixelBudget(small), PixelBudget(pixels - small)

    def refuse_when_out(self, model: str | None = None) -> None:
        """Refuse whatever this model would have to do while it does nothing; `model` as in a call.

        Raises:
            RunnerUnavailable
        """
        fault = self._networks[model or self._default].fault()
        if fault is not None:
            raise RunnerUnavailable(fault, retry_after=OUT_S)

    def admit(
        self, info: ImageInfo, output: Output, model: str | None = None, keys: frozenset[str] = frozenset()
    ) -> Place:
        """Promise to cut a picture out; `model` as in a call. The place must be released.

        Args:
            keys: who it is for.

        Raises:
            Overloaded: it would wait too long.
        """
        name = model or self._default
        network = self._networks[name]
        job = Job(
            name,
            _reckoned_s(info, output),
            is_big=info.width * info.height > BIG_PIXELS,
            keys=keys,
            runner_wait_s=network.expected_wait(),
            picture_s=network.picture_s(),
        )
        return self._admission.place(job)

    def backend(self, model: str) -> str | None:
        """What runs this model; None while that is not known."""
        return self._networks[model].backend()

    async def __call__(
        self, body: bytes, info: ImageInfo, output: Output, model: str | None = None, place: Place | None = None
    ) -> Result:
        """The cut-out of a probed upload, as ordered; `model` by its name, None for the default.

        `place` is the one that was promised for it, and is released at the end. Without one, it is taken now.

        Every wait for room or for a core counts as the stage "queue". A cancelled call ends, and gives its room
        back, when the CPU stage that it was in is done: a thread cannot be interrupted.

        Raises:
            InvalidImage: the pixels cannot be decoded.
            ProcessingFailed: the process that decoded them was ended.
            NothingFound: the model sees no subject in them.
            Overloaded: it would wait too long.
            RunnerUnavailable, ProcessingFailed: from `MattingModel.infer`.
            KeyError: there is no such model.
        """
        place = place or self.admit(info, output, model)
        try:
            with IN_FLIGHT.track_inprogress():
                async with self._room[place.job.is_big].reserved(_weight(info, output)):
                    return await self._made(body, info, output, place)
        finally:
            self.made += 1
            place.release()

    async def _made(self, body: bytes, info: ImageInfo, output: Output, place: Place) -> Result:
        network = self._networks[place.job.model]
        (picture, seen, shown), read_s = await self._on_cpu(place, lambda: self._read(body, info, network))
        with stage("infer"):
            alpha = await network.infer(shown)
        place.inferred()
        result, write_s = await self._on_cpu(place, lambda: _write(picture, alpha, seen, output))
        place.finished(read_s + write_s)
        return result

    def _read(self, body: bytes, info: ImageInfo, network: MattingModel) -> tuple[Picture, Pixels, Pixels]:
        """The picture, itself at the network's size, and as it is shown to the network."""
        with stage("decode"):
            picture = self._decode(body, info)
            seen = to_model_input(picture, network.size)
            return picture, seen, darkened(seen) if network.darken_light else seen

    async def _on_cpu(self, place: Place, work: Callable[[], T]) -> tuple[T, float]:
        """What the work gives, and the seconds that it took."""
        async with AsyncExitStack() as stack:
            with stage("queue"):
                if place.job.is_big:
                    await stack.enter_async_context(self._big)
                await stack.enter_async_context(self._cores)
            loop, began = asyncio.get_running_loop(), time.monotonic()
            done = await run_to_completion(loop.run_in_executor(self._pool, copy_context().run, work))
            return done, time.monotonic() - began


def _write(picture: Picture, alpha: Pixels, seen: Pixels, output: Output) -> Result:
    with stage("compose"):
        if not has_subject(picture, alpha):
            raise NothingFound()
        finished = finish(compose(picture, alpha, seen), output)
    with stage("encode"):
        height, width = finished.pixels.shape[:2]
        return Result(encode(finished.pixels, output), width, height, finished.subject)


def _reckoned_s(info: ImageInfo, output: Output) -> float:
    return _LEAST_S + info.width * info.height / 1e6 * _SECONDS[output.format]


def _weight(info: ImageInfo, output: Output) -> int:
    decode_bytes = info.width * info.height * info.decode_bytes
    return max(decode_bytes, _output_bytes(info, output)) // _BYTES_PER_PIXEL


def _output_bytes(info: ImageInfo, output: Output) -> int:
    """Peak memory from the decoded picture to the file; a crop may be larger than the picture."""
    width, height = output.crop.size(info.width, info.height) if output.crop else (info.width, info.height)
    size = max(width * height, info.width * info.height)
    return size * (_OUTPUT_BYTES[output.format] + (_FINISH_BYTES if output.crop or output.is_shrunk else 0))


class PixelBudget:
    """Room for pictures, in weighted pixels: first come, first served, so that a large one is not passed over."""

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    @asynccontextmanager
    async def reserved(self, weight: int) -> AsyncIterator[None]:
        """Hold room while the block runs; waits in line for it."""
        weight = min(weight, self._all)
        with stage("queue"):
            await self._take(weight)
        try:
            yield
        finally:
            self._free += weight
            self._given_back.set()

    async def _take(self, weight: int) -> None:
        async with self._turn:
            while weight > self._free:
                self._given_back.clear()
                await self._given_back.wait()
            self._free -= weight
