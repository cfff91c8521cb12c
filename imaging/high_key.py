"""Very light pictures, darkened for the model: white things on white that it would see half of."""

import cv2
import numpy as np

from imaging.picture import Pixels

_DARK_SHARE = 10
"""Percent of the pixels that may be darker than what is taken for a picture's dark end."""

_KEPT = 0.8
"""Of the dark end's level, what is taken away: all of it would make the darkest subjects black."""

_LEAST = 60.0
"""Levels of 255 from which on taking them away helps; see docs/experiments.md."""


def darkened(seen: Pixels) -> Pixels:
    """uint8 [S,S,3] as the model is to see it: its dark end brought towards black where the whole picture is light."""
    taken = _KEPT * float(np.percentile(cv2.cvtColor(seen, cv2.COLOR_RGB2GRAY), _DARK_SHARE))
    if taken <= _LEAST:
        return seen
    curve = np.clip((np.arange(256) - taken) * 255 / (255 - taken), 0, 255)
    return np.asarray(cv2.LUT(seen, np.rint(curve).astype(np.uint8)), np.uint8)
