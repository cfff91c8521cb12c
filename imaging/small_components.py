"""Removes small components of the matte: captions, watermarks, noise in the background."""

import cv2
import numpy as np

from imaging.picture import Pixels

SHARE = 0.01
"""A component below this share of the heaviest one is removed; see docs/experiments.md."""

_VISIBLE = 8
"""Alpha (of 255) from which neighbouring pixels belong to one component."""


def drop_small_components(alpha: Pixels) -> Pixels:
    """uint8 [h,w] without small components. A component's weight is the sum of its alpha, so soft ones count too.

    Pixels fainter than `_VISIBLE` belong to no component and stay.
    """
    components, labels = cv2.connectedComponents((alpha >= _VISIBLE).astype(np.uint8), connectivity=8)
    if components <= 2:  # the background and one component
        return alpha
    weights = np.bincount(labels.ravel(), weights=alpha.ravel())
    small_components = weights < SHARE * weights[1:].max()
    small_components[0] = False
    return np.where(small_components[labels], np.uint8(0), alpha)
