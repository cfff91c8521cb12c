"""Whether a model found anything in a picture: an empty picture is not sold."""

import cv2
import numpy as np

from imaging.levels import set_levels
from imaging.own_alpha import is_cut_out
from imaging.picture import Picture, Pixels
from imaging.small_components import drop_small_components

SURE = 160
"""Levels of 255. On even, grainy, noisy and cloudy pages our models are nowhere as sure; on every subject of Dev they
are, on at least a twentieth of the picture. Dots, squares and gravel are things to them, and are sold; see
docs/experiments.md."""

LEAST_SHARE = 1 / 20_000
"""Of the pixels of the alpha that must be that sure: 7 of a model that sees 384 x 384."""


def has_subject(picture: Picture, alpha: Pixels) -> bool:
    """Whether the model's uint8 alpha [h,w] shows a subject, and not only where the upload itself is transparent.

    In an upload that is a cut-out already the subject is whatever is visible.
    """
    settled = np.full_like(alpha, 255) if is_cut_out(picture) else drop_small_components(set_levels(alpha))
    if picture.has_alpha:
        own = np.ascontiguousarray(picture.rgba[..., 3])
        visible = cv2.resize(own, settled.shape[::-1], interpolation=cv2.INTER_AREA) > 0
        settled = np.where(visible, settled, np.uint8(0))
    return int(np.count_nonzero(settled >= SURE)) >= max(LEAST_SHARE * settled.size, 1)
