"""Values of a small plane at any pixel of the large picture, by linear interpolation."""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_LINE = 1024
"""OpenCV samples at points that lie in a rectangle with sides below 32,768."""


def positions(length: int, small: int) -> Plane:
    """Where the centre of each of `length` pixels lies among `small` ones."""
    return ((np.arange(length) + 0.5) * (small / length) - 0.5).astype(np.float32)


def sample(planes: Plane, x: Plane, y: Plane) -> Plane:
    """Linear interpolation of [h,w,4] at n points, [n,4]; edges repeated."""
    lines = -(-x.size // _LINE)
    at_x, at_y = np.resize(x, (lines, _LINE)), np.resize(y, (lines, _LINE))
    sampled = cv2.remap(planes, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(sampled, np.float32).reshape(-1, 4)[: x.size]
