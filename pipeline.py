"""The work on one page: decode → fit → infer → compose → finish → encode, within bounds of memory and cores."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from errors import NothingFound, Overloaded, RunnerUnavailable
from imaging.box import Box
from imaging.compose import compose
from imaging.decode import decode
from imaging.encode import encode
from imaging.finish import finish
from imaging.fit import fit
from imaging.formats import ImageFormat
from imaging.high_key import darkened
from imaging.output import Output
from imaging.picture import Picture, Pixels
from imaging.probe import ImageInfo
from imaging.subject import has_subject
from telemetry import IN_FLIGHT, stage

T = TypeVar("T")

Infer = Callable[[Pixels], Awaitable[Pixels]]
"""uint8 [S,S,3] RGB to uint8 alpha [S,S]; raises only errors of errors.py."""


@dataclass(frozen=True, slots=True)
class Network:
    """A model, wherever it runs.

    Attributes:
        size: S, the side of its square input.
        fault: why it cuts nothing out at present, as a public sentence; None when it is well.
        expected_wait: seconds until the inference of a picture that is sent now would begin.
        darken_light: whether it finds more in very light pictures that are darkened for it.
        backend: what runs it; None while that is not known.
    """

    infer: Infer
    size: int
    fault: Callable[[], str | None] = lambda: None
    expected_wait: Callable[[], float] = lambda: 0.0
    darken_light: bool = False
    backend: Callable[[], str | None] = lambda: None


OUT_S = 5
"""When to ask again for a model that is out: a runner that has died is replaced within some seconds."""

_BYTES_PER_PIXEL = 8
"""What the budget's megapixel stands for: the memory that a plain picture takes per pixel until it is a PNG."""

_OUTPUT_BYTES = {ImageFormat.PNG: 8, ImageFormat.JPEG: 8, ImageFormat.WEBP: 24}
"""Peak memory per pixel of compose and encode; libwebp alone takes about 20."""

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


class CutOut:
    """Cuts pictures out, as many at a time as memory and cores allow; all models share both.

    Args:
        networks: by name; the first is the default.
        threads: CPU stages that run at a time, by default one per core; more would only make every picture slower.
        max_megapixels: pictures at work at a time, weighted by the memory that they need; one that weighs more than
            all of it runs alone.
        max_queue: pictures that may wait for that.
    """

    def __init__(
        self,
        networks: Mapping[str, Network],
        *,
        threads: int | None = None,
        max_megapixels: float = 250.0,
        max_queue: int = 32,
    ) -> None:
        self._networks = dict(networks)
        self._default = next(iter(networks))
        threads = threads or os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="picture")
        self._cores = asyncio.Semaphore(threads)
        self._budget = PixelBudget(int(max_megapixels * 1e6), max_queue)

    def refuse_when_out(self, model: str | None = None) -> None:
        """Refuse whatever this model would have to do while it does nothing; `model` as in a call.

        Raises:
            RunnerUnavailable
        """
        fault = self._networks[model or self._default].fault()
        if fault is not None:
            raise RunnerUnavailable(fault, retry_after=OUT_S)

    def admit(self, info: ImageInfo, output: Output) -> None:
        """Refuse now what would be refused later: there is no room, nor any in the queue. Reserves nothing.

        Raises:
            Overloaded
        """
        self._budget.refuse_when_full(_weight(info, output))

    def backend(self, model: str) -> str | None:
        """What runs this model; None while that is not known."""
        return self._networks[model].backend()

    async def __call__(self, body: bytes, info: ImageInfo, output: Output, model: str | None = None) -> Result:
        """The cut-out of a probed upload, as ordered; `model` by its name, None for the default.

        Every wait for room or for a core counts as the stage "queue". A cancelled call ends, and gives its room
        back, when the CPU stage that it was in is done: a thread cannot be interrupted.

        Raises:
            InvalidImage: the pixels cannot be decoded.
            NothingFound: the model sees no subject in them.
            Overloaded: the queue is full.
            RunnerUnavailable, ProcessingFailed: from `Network.infer`.
            KeyError: there is no such model.
        """
        network = self._networks[model or self._default]
        with IN_FLIGHT.track_inprogress():
            async with self._budget.reserved(_weight(info, output)):
                picture, seen, shown = await self._on_cpu(lambda: _read(body, info, network))
                with stage("infer"):
                    alpha = await network.infer(shown)
                return await self._on_cpu(lambda: _write(picture, alpha, seen, output))

    async def _on_cpu(self, work: Callable[[], T]) -> T:
        with stage("queue"):
            await self._cores.acquire()
        try:
            loop = asyncio.get_running_loop()
            return await _to_its_end(loop.run_in_executor(self._pool, copy_context().run, work))
        finally:
            self._cores.release()


def _read(body: bytes, info: ImageInfo, network: Network) -> tuple[Picture, Pixels, Pixels]:
    """The picture, itself at the network's size, and as it is shown to the network."""
    with stage("decode"):
        picture = decode(body, info)
        seen = fit(picture, network.size)
        return picture, seen, darkened(seen) if network.darken_light else seen


def _write(picture: Picture, alpha: Pixels, seen: Pixels, output: Output) -> Result:
    with stage("compose"):
        if not has_subject(picture, alpha):
            raise NothingFound()
        finished = finish(compose(picture, alpha, seen), output)
    with stage("encode"):
        height, width = finished.pixels.shape[:2]
        return Result(encode(finished.pixels, output), width, height, finished.subject)


async def _to_its_end(future: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.gather(future, return_exceptions=True)
        raise


def _weight(info: ImageInfo, output: Output) -> int:
    decode_bytes = info.width * info.height * info.decode_bytes
    return max(decode_bytes, _output_bytes(info, output)) // _BYTES_PER_PIXEL


def _output_bytes(info: ImageInfo, output: Output) -> int:
    """Peak memory from the decoded picture to the file; a crop may be larger than the picture."""
    width, height = output.crop.size(info.width, info.height) if output.crop else (info.width, info.height)
    size = max(width * height, info.width * info.height)
    return size * (_OUTPUT_BYTES[output.format] + (_FINISH_BYTES if output.crop or output.is_shrunk else 0))


class PixelBudget:
    """Room for pictures, in weighted pixels: first come, first served, so that a large one is not passed over.

    Args:
        pixels: all the room there is.
        max_queue: how many may wait for some.
    """

    def __init__(self, pixels: int, max_queue: int) -> None:
        self._all = self._free = pixels
        self._max_queue = max_queue
        self._waiting = 0
        self._turn = asyncio.Lock()
        self._given_back = asyncio.Event()

    def refuse_when_full(self, weight: int) -> None:
        """Raise `Overloaded` when this much is not free at once and the queue is full."""
        is_free = not self._waiting and min(weight, self._all) <= self._free
        if not is_free and self._waiting >= self._max_queue:
            raise Overloaded("As many pictures are at work and waiting as there is room for. Send this one again soon.")

    @asynccontextmanager
    async def reserved(self, weight: int) -> AsyncIterator[None]:
        """Hold room while the block runs; waits in line for it.

        Raises:
            Overloaded: the line is full.
        """
        self.refuse_when_full(weight)
        weight = min(weight, self._all)
        with stage("queue"):
            await self._take(weight)
        try:
            yield
        finally:
            self._free += weight
            self._given_back.set()

    async def _take(self, weight: int) -> None:
        self._waiting += 1
        try:
            async with self._turn:
                while weight > self._free:
                    self._given_back.clear()
                    await self._given_back.wait()
                self._free -= weight
        finally:
            self._waiting -= 1
