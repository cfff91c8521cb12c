"""Memory for pictures: how much one needs, and waiting until it is free."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imaging import ImageInfo, Output
from telemetry import stage

_BYTES_PER_PIXEL = 8
"""One pixel of the budget stands for this much memory: a plain picture needs it until it is a PNG."""

_RESIZE_BYTES = 8
"""Peak memory per pixel of a crop or of a smaller copy, beside the cut-out."""


def weight(info: ImageInfo, output: Output) -> int:
    """Pixels of the budget that one picture needs, from its upload to its file."""
    decode_bytes = info.width * info.height * info.decode_bytes
    return max(decode_bytes, _output_bytes(info, output)) // _BYTES_PER_PIXEL


def _output_bytes(info: ImageInfo, output: Output) -> int:
    """Peak memory from the decoded picture to the file; a crop may be larger than the picture."""
    width, height = output.crop.size(info.width, info.height) if output.crop else (info.width, info.height)
    size = max(width * height, info.width * info.height)
    return size * (output.format.encode_bytes + (_RESIZE_BYTES if output.crop or output.is_shrunk else 0))


class PixelBudget:
    """Weighted pixels, reserved first come, first served, so that large pictures are not overtaken for ever."""

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._queue = asyncio.Lock()
        self._released = asyncio.Event()

    @asynccontextmanager
    async def reserved(self, weight: int) -> AsyncIterator[None]:
        """Wait in line for the pixels, and hold them while the block runs; a picture of more than all takes all."""
        weight = min(weight, self._all)
        with stage("queue"):
            await self._take(weight)
        try:
            yield
        finally:
            self._free += weight
            self._released.set()

    async def _take(self, weight: int) -> None:
        async with self._queue:
            while weight > self._free:
                self._released.clear()
                await self._released.wait()
            self._free -= weight
