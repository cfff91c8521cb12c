"""High-key pictures are darkened for the model, which finds only half of a white subject on white."""

import cv2
import numpy as np

from imaging.picture import Pixels

_DARK_PERCENTILE = 10
"""This percentile of luminance counts as the picture's dark end."""

_SHIFT = 0.8
"""Share of the dark end's level that is subtracted: all of it would turn the darkest subjects black."""

_MIN_SHIFT = 60.0
"""Levels of 255; a smaller shift does not help. See docs/experiments.md."""


def darken_high_key(model_input: Pixels) -> Pixels:
    """uint8 [S,S,3] with its dark end moved towards black when the whole picture is light; others are unchanged."""
    shift = _SHIFT * float(np.percentile(cv2.cvtColor(model_input, cv2.COLOR_RGB2GRAY), _DARK_PERCENTILE))
    if shift <= _MIN_SHIFT:
        return model_input
    curve = np.clip((np.arange(256) - shift) * 255 / (255 - shift), 0, 255)
    return np.asarray(cv2.LUT(model_input, np.rint(curve).astype(np.uint8)), np.uint8)
