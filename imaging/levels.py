"""Levels: a faint haze becomes nothing, what is all but solid becomes solid."""

import cv2
import numpy as np

from imaging.picture import Pixels

_CLIP, _KEPT = 6, 18
"""Alpha up to the first, of 255, becomes 0, from the second on it stays, and between them it is stretched; likewise
below 255. See docs/experiments.md."""

_FROM = [0, _CLIP, _KEPT, 255 - _KEPT, 255 - _CLIP, 255]
_TO = [0, 0, _KEPT, 255 - _KEPT, 255, 255]
_CURVE = np.rint(np.interp(np.arange(256), _FROM, _TO)).astype(np.uint8)


def set_levels(alpha: Pixels) -> Pixels:
    """uint8 [h,w] whose ends are settled: networks seldom say quite nothing or quite solid, people mean it."""
    return np.asarray(cv2.LUT(alpha, _CURVE), np.uint8)
