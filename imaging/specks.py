"""Specks of alpha far from the subject: captions, watermarks, grains of the background."""

import cv2
import numpy as np

from imaging.picture import Pixels

SHARE = 0.01
"""What weighs less than this share of the heaviest thing is a speck; see docs/experiments.md."""

_VISIBLE = 8
"""Levels of 255 from which on neighbouring pixels belong to one thing."""


def drop_specks(alpha: Pixels) -> Pixels:
    """uint8 [h,w] without the things that weigh next to nothing, each weighed by the sum of its alpha.

    Soft things count like solid ones: a seed of thistledown is no speck among its like. What is fainter than eight
    levels of 255 belongs to no thing and stays.
    """
    things, labels = cv2.connectedComponents((alpha >= _VISIBLE).astype(np.uint8), connectivity=8)
    if things <= 2:  # the ground and one thing
        return alpha
    weights = np.bincount(labels.ravel(), weights=alpha.ravel())
    specks = weights < SHARE * weights[1:].max()
    specks[0] = False
    return np.where(specks[labels], np.uint8(0), alpha)
