"""The memory budget for images: the weight of an image, and waiting for free memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from imaging import ImageInfo, Output
from telemetry import stage

_BYTES_PER_PIXEL = 8
"""Memory per pixel of the budget: what a plain image needs until it is encoded as PNG."""

_RESIZE_BYTES = 8
"""Additional peak memory per pixel for a crop or a smaller copy."""


def weight(info: ImageInfo, output: Output) -> int:
    """Budget pixels that one image needs, from upload to output file."""
    decode_bytes = info.width * info.height * info.decode_bytes
    return max(decode_bytes, _output_bytes(info, output)) // _BYTES_PER_PIXEL


def _output_bytes(info: ImageInfo, output: Output) -> int:
    """Peak memory from the decoded image to the output file; a crop may be larger than the image."""
    width, height = output.crop.size(info.width, info.height) if output.crop else (info.width, info.height)
    size = max(width * height, info.width * info.height)
    return size * (output.format.encode_bytes + (_RESIZE_BYTES if output.crop or output.is_shrunk else 0))


class PixelBudget:
    """Weighted pixels, reserved in order of arrival, so that large images do not starve."""

    def __init__(self, pixels: int) -> None:
        self._all = self._free = pixels
        self._queue = asyncio.Lock()
        self._released = asyncio.Event()

    @asynccontextmanager
    async def reserved(self, weight: int) -> AsyncIterator[None]:
        """Wait for the pixels and hold them while the block runs; a weight above the budget takes the whole budget."""
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
