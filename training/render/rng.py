"""Rng: everything that differs between two pictures is drawn here, from the picture's number and attempt."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
T = TypeVar("T")


class Rng:
    """A source of draws that is the same for the same seeds, on every machine."""

    def __init__(self, *seeds: int) -> None:
        self._draw = np.random.default_rng(seeds)

    def uniform(self, low: float = 0.0, high: float = 1.0) -> float:
        """A number between `low` and `high`."""
        return float(self._draw.uniform(low, high))

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return int(self._draw.integers(low, high + 1))

    def happens(self, share: float) -> bool:
        """True in `share` of the cases."""
        return bool(self._draw.random() < share)

    def pick(self, of: Sequence[T]) -> T:
        """One of them, each as likely as the others; named twice is twice as likely."""
        return of[int(self._draw.integers(len(of)))]

    def uniforms(self, low: float, high: float, *shape: int) -> Floats:
        """An array of numbers between `low` and `high`."""
        return self._draw.uniform(low, high, shape)

    def normals(self, spread: float, *shape: int) -> Floats:
        """An array of normal numbers around 0."""
        return self._draw.normal(0.0, spread, shape)

    def normal(self, middle: float, spread: float) -> float:
        """A normal number around `middle`."""
        return float(self._draw.normal(middle, spread))

    def wholes(self, low: int, high: int, *shape: int) -> NDArray[np.int64]:
        """An array of whole numbers from `low` to `high`, both included."""
        return self._draw.integers(low, high + 1, shape)

    def weighted(self, weights: Floats, count: int) -> NDArray[np.int64]:
        """`count` places in `weights`, each as likely as its weight says; a place may come again."""
        return self._draw.choice(len(weights), count, p=weights / weights.sum())
