"""sRGB (IEC 61966-2-1), the colour space of every result: primaries, transfer function and conversions."""

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Chromaticity = tuple[float, float]
Primaries = tuple[Chromaticity, Chromaticity, Chromaticity, Chromaticity]
"""xy of red, green, blue and white."""

SRGB_PRIMARIES: Primaries = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06), (0.3127, 0.3290))

_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_STEPS = 65_535


def from_srgb_code(coded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Light in 0..1 of coded values in 0..1."""
    light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    return np.asarray(light, np.float32)


def to_srgb_code(light: NDArray[np.float32]) -> NDArray[np.uint8]:
    """8-bit codes of light; what lies outside of 0..1 is clipped."""
    steps = cv2.addWeighted(light, _STEPS, light, 0, 0, dtype=cv2.CV_16U)  # rounds, and clips what is outside
    return np.asarray(cv2.LUT(steps, _codes()), np.uint8)


@lru_cache(maxsize=1)
def _codes() -> NDArray[np.uint8]:
    light = np.arange(_STEPS + 1) / _STEPS
    codes = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(255 * codes), np.uint8)


def to_xyz(primaries: Primaries) -> NDArray[np.float64]:
    """[3,3]: light of the three primaries to CIE XYZ, where white has Y = 1.

    Raises:
        numpy.linalg.LinAlgError: the primaries lie on one line.
    """
    x, y = np.array(primaries).T
    columns = np.stack([x / y, np.ones(4), (1 - x - y) / y])
    return np.asarray(columns[:, :3] * np.linalg.solve(columns[:, :3], columns[:, 3]))


def matrix_to_srgb(primaries: Primaries) -> NDArray[np.float32]:
    """[3,3]: light of the given primaries to light of sRGB's, white adapted to white (Bradford)."""
    theirs, ours = to_xyz(primaries), to_xyz(SRGB_PRIMARIES)
    cones = (_BRADFORD @ ours.sum(axis=1)) / (_BRADFORD @ theirs.sum(axis=1))
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(cones) @ _BRADFORD
    return np.asarray(np.linalg.inv(ours) @ adapted @ theirs, np.float32)
