"""The work on one page: decode → fit → infer → compose → encode, within bounds of memory and cores."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from contextvars import copy_context
from dataclasses import dataclass
from typing import TypeVar

from errors import NothingFound, Overloaded
from imaging.compose import compose
from imaging.decode import decode
from imaging.encode import encode
from imaging.fit import fit
from imaging.formats import ImageFormat
from imaging.picture import Picture, Pixels
from imaging.probe import ImageInfo
from imaging.subject import has_subject
from telemetry import IN_FLIGHT, stage

T = TypeVar("T")

Infer = Callable[[Pixels], Awaitable[Pixels]]
"""uint8 [S,S,3] RGB to uint8 alpha [S,S]; raises only errors of errors.py."""


@dataclass(frozen=True, slots=True)
class Network:
    """A model, wherever it runs; `size` is S, the side of its square input."""

    infer: Infer
    size: int


_BYTES_PER_PIXEL = 8
"""What the budget's megapixel stands for: the memory that a plain picture takes per pixel until it is a PNG."""

_OUTPUT_BYTES = {ImageFormat.PNG: 8, ImageFormat.WEBP: 24}
"""Peak memory per pixel of compose and encode; libwebp alone takes about 20."""


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

    def admit(self, info: ImageInfo, output: ImageFormat) -> None:
        """Refuse now what would be refused later: there is no room, nor any in the queue. Reserves nothing.

        Raises:
            Overloaded
        """
        self._budget.refuse_when_full(_weight(info, output))

    async def __call__(self, body: bytes, info: ImageInfo, output: ImageFormat, model: str | None = None) -> bytes:
        """The cut-out of a probed upload, encoded; `model` by its name, None for the default.

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
                picture, fitted = await self._on_cpu(lambda: _read(body, info, network.size))
                with stage("infer"):
                    alpha = await network.infer(fitted)
                return await self._on_cpu(lambda: _write(picture, alpha, fitted, output))

    async def _on_cpu(self, work: Callable[[], T]) -> T:
        with stage("queue"):
            await self._cores.acquire()
        try:
            loop = asyncio.get_running_loop()
            return await _to_its_end(loop.run_in_executor(self._pool, copy_context().run, work))
        finally:
            self._cores.release()


def _read(body: bytes, info: ImageInfo, size: int) -> tuple[Picture, Pixels]:
    with stage("decode"):
        picture = decode(body, info)
        return picture, fit(picture, size)


def _write(picture: Picture, alpha: Pixels, seen: Pixels, output: ImageFormat) -> bytes:
    with stage("compose"):
        if not has_subject(picture, alpha):
            raise NothingFound()
        rgba = compose(picture, alpha, seen)
    with stage("encode"):
        return encode(rgba, output)


async def _to_its_end(future: asyncio.Future[T]) -> T:
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        await asyncio.gather(future, return_exceptions=True)
        raise


def _weight(info: ImageInfo, output: ImageFormat) -> int:
    return info.width * info.height * max(info.decode_bytes, _OUTPUT_BYTES[output]) // _BYTES_PER_PIXEL


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
