"""Whether a model found a subject in a picture: an empty picture is not sold."""

import cv2
import numpy as np

from imaging.picture import Picture, Pixels

CERTAIN = 200
"""Levels of 255. Next to no pixel of our models reaches it on plain, noisy and cloudy pages; on every subject of Dev at
least a fiftieth of the picture does. Dots, squares and gravel count as subjects; see docs/experiments.md."""

MIN_SHARE = 1 / 10_000
"""Required share of pixels with at least this alpha: 15 of 384 x 384."""


def has_subject(picture: Picture, alpha: Pixels) -> bool:
    """Whether uint8 alpha [h,w], cleaned, shows a subject where the upload itself is not fully transparent."""
    if picture.has_alpha:
        own = np.ascontiguousarray(picture.rgba[..., 3])
        visible = cv2.resize(own, alpha.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        alpha = np.where(visible, alpha, np.uint8(0))
    return int(np.count_nonzero(alpha >= CERTAIN)) >= max(MIN_SHARE * alpha.size, 1)
