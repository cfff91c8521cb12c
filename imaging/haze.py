"""Haze: places inside a subject that are half transparent and too wide to be an edge, hair or a thread."""

import cv2
import numpy as np

from imaging.picture import Pixels

_LOW, _HIGH = 0.1 * 255, 0.9 * 255
_WIDTH = 0.025
"""Of the picture's sides: a half transparent place has to hold a rectangle of this share of both to count."""

MUCH_HAZE = 0.10
"""Haze share from which on people see a half transparent subject."""

HOPELESS_HAZE = 0.40
"""Haze share from which on a cut-out has mostly failed or the picture is a page of text. Dandelions, cages and wheels
have as much, so buyers are told and not refused: docs/experiments.md."""


def haze_share(matte: Pixels) -> float:
    """Area of the haze as a share of the subject's, 0 to 1, of a uint8 [H,W] matte; 0 where there is no subject.

    Soft subjects have haze by right (glass, smoke, defocused fur), so it is a figure to compare networks by and a
    reason to look, not an error.
    """
    subject = np.count_nonzero(matte > _LOW)
    if not subject:
        return 0.0
    soft = ((matte > _LOW) & (matte < _HIGH)).astype(np.uint8)
    height, width = (max(round(_WIDTH * side), 1) for side in matte.shape)
    window, anchor = np.ones((height, width), np.uint8), ((width - 1) // 2, (height - 1) // 2)
    # OpenCV's opening shifts by a pixel where a side of the window is even; the mirrored anchor does not.
    wide = cv2.dilate(cv2.erode(soft, window), window, anchor=anchor)
    return float(np.count_nonzero(np.logical_and(wide, soft)) / subject)
