"""Levels: faint haze becomes transparent, nearly solid alpha becomes solid."""

import cv2
import numpy as np

from imaging.picture import Pixels

CLIP, KEEP = 6, 18
"""Alpha up to `CLIP`, of 255, becomes 0, from `KEEP` on it stays, and in between it is stretched; likewise below 255.
See docs/experiments.md."""

_FROM = [0, CLIP, KEEP, 255 - KEEP, 255 - CLIP, 255]
_TO = [0, 0, KEEP, 255 - KEEP, 255, 255]
_CURVE = np.rint(np.interp(np.arange(256), _FROM, _TO)).astype(np.uint8)


def set_levels(alpha: Pixels) -> Pixels:
    """uint8 [h,w] with its ends clipped: networks seldom return exactly 0 or 255."""
    return np.asarray(cv2.LUT(alpha, _CURVE), np.uint8)
