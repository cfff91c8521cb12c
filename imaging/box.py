"""The bounding box of the subject in a cut-out."""

from dataclasses import dataclass

import cv2

from imaging.bands import bands
from imaging.picture import Pixels

MIN_ALPHA = 13
"""Threshold of alpha (of 255): a twentieth. Fainter pixels are invisible and would enlarge the box by their haze."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle, in pixels from the upper left corner."""

    left: int
    top: int
    width: int
    height: int


def subject_box(rgba: Pixels) -> Box:
    """Around all visible pixels of uint8 [H,W,4]; the whole picture when none is visible."""
    height, width = rgba.shape[:2]
    found = [box for rows in bands(height, width) if (box := _box(rgba[rows], rows.start)).width]
    if not found:
        return Box(0, 0, width, height)
    left, top = min(each.left for each in found), found[0].top
    right = max(each.left + each.width for each in found)
    return Box(left, top, right - left, found[-1].top + found[-1].height - top)


def _box(band: Pixels, top: int) -> Box:
    """The box around the visible pixels of a band that begins at `top`; of width 0 if none is visible."""
    visible = cv2.threshold(cv2.extractChannel(band, 3), MIN_ALPHA - 1, 255, cv2.THRESH_BINARY)[1]
    left, first, width, height = cv2.boundingRect(visible)
    return Box(left, top + first, width, height)
