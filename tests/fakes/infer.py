"""Models for tests of the pipeline: they see nothing, and answer when they are told."""

import asyncio

import cv2
import numpy as np

from imaging import Pixels


class Disc:
    """A model that finds a soft disc in the middle of every picture, and remembers what it was shown."""

    def __init__(self) -> None:
        self.seen: list[Pixels] = []

    async def __call__(self, image: Pixels) -> Pixels:
        self.seen.append(image)
        return disc(image.shape[0])


class HeldDisc:
    """A `Disc` that answers only when it is let go; counts how many pictures are in its hands."""

    def __init__(self) -> None:
        self.let_go = asyncio.Event()
        self.held = self.most_held = 0
        self._one_more = asyncio.Condition()

    async def __call__(self, image: Pixels) -> Pixels:
        async with self._one_more:
            self.held += 1
            self.most_held = max(self.most_held, self.held)
            self._one_more.notify_all()
        try:
            await self.let_go.wait()
        finally:
            self.held -= 1
        return disc(image.shape[0])

    async def until_held(self, count: int) -> None:
        """Wait until this many pictures are in its hands."""
        async with asyncio.timeout(10), self._one_more:
            await self._one_more.wait_for(lambda: self.held == count)


class Broken:
    """A model that always fails in the same way."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def __call__(self, image: Pixels) -> Pixels:
        raise self._error


def disc(size: int) -> Pixels:
    """uint8 alpha [size,size]: 255 in the middle, 0 in the corners, soft between."""
    centre = (size // 2, size // 2)
    hard = cv2.circle(np.zeros((size, size), np.uint8), centre, size // 4, 255, thickness=-1)
    return np.asarray(cv2.blur(hard, (size // 8 | 1, size // 8 | 1)), np.uint8)
