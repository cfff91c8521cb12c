"""Backends that go wrong, each in one way."""

import numpy as np

from runners.backend import BackendError, Pixels


class DiscFinder:
    """Works: whatever is darker than half is foreground, which is enough for the probe picture."""

    name = "disc-finder"
    device = "cpu"
    max_batch: int | None = None

    def __init__(self) -> None:
        self.closed = False

    def infer(self, images: Pixels) -> Pixels:
        return np.where(images.max(axis=3) < 200, 255, 0).astype(np.uint8)

    def close(self) -> None:
        self.closed = True


class Constant(DiscFinder):
    """Sees foreground everywhere, as a network whose weights overflowed does."""

    def infer(self, images: Pixels) -> Pixels:
        return np.full(images.shape[:3], 255, np.uint8)


class Inverted(DiscFinder):
    """Takes the background for the foreground."""

    def infer(self, images: Pixels) -> Pixels:
        return 255 - super().infer(images)


class Flat(DiscFinder):
    """Forgets the axis of the batch."""

    def infer(self, images: Pixels) -> Pixels:
        alpha: Pixels = super().infer(images)[0]
        return alpha


class Fractional(DiscFinder):
    """Gives alpha in 0 to 1."""

    def infer(self, images: Pixels) -> Pixels:
        return (super().infer(images) / 255).astype(np.float32)


class Leaking(DiscFinder):
    """Lets the pictures of a batch shine through each other."""

    def infer(self, images: Pixels) -> Pixels:
        mean = super().infer(images).mean(axis=0, keepdims=True)
        return np.repeat(mean, len(images), axis=0).astype(np.uint8)


class Breaking(DiscFinder):
    """Is built well and fails at work."""

    def infer(self, images: Pixels) -> Pixels:
        raise BackendError("out of memory")
