"""Values of a small plane at any pixel of the large picture, by linear interpolation."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
Index = NDArray[np.intp]

_LINE = 1024
"""OpenCV samples at points that lie in a rectangle with sides below 32,768."""


class Lattice:
    """Where the pixels of a large picture lie among those of a small plane.

    Args:
        large, small: width and height.
    """

    def __init__(self, large: tuple[int, int], small: tuple[int, int]) -> None:
        self._width = large[0]
        self._columns, self._rows = (_positions(*sides) for sides in zip(large, small, strict=True))

    def sample(self, planes: Plane, rows: slice, index: Index) -> Plane:
        """[n,4]: the planes [h,w,4] at n pixels of a band, which are counted line by line from its start."""
        row, column = np.divmod(index.astype(np.int32), np.int32(self._width))
        return _sample(planes, self._columns[column], self._rows[rows][row])


def between(levels: NDArray[np.uint8], lowest: int, highest: int) -> Index:
    """Where uint8 levels lie in a range, ends included; counted line by line."""
    # One comparison in place of two: what lies below wraps around.
    return np.flatnonzero((levels - np.uint8(lowest)) <= np.uint8(highest - lowest))


def _positions(length: int, small: int) -> Plane:
    return ((np.arange(length) + 0.5) * (small / length) - 0.5).astype(np.float32)


def _sample(planes: Plane, x: Plane, y: Plane) -> Plane:
    """At n points; edges repeated."""
    lines = -(-x.size // _LINE)
    at_x, at_y = np.resize(x, (lines, _LINE)), np.resize(y, (lines, _LINE))
    sampled = cv2.remap(planes, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32).reshape(-1, 4)[: x.size]
