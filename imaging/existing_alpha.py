"""Uploads that are already cut-outs: they keep their alpha, which is better than a model's."""

import numpy as np

from imaging.picture import Picture, Pixels

MIN_SHARE = 0.05
"""A cut-out has at least this share of fully transparent pixels; the rounded corners of a screenshot have less."""


def keep_existing_alpha(picture: Picture, alpha: Pixels) -> Pixels:
    """The model's uint8 alpha [h,w]; 255 throughout for an upload that is a cut-out already.

    A model sees such an upload on mid-grey and removes what is close to that: up to a quarter of the solid pixels lost
    half of their alpha when the model's alpha was used.
    """
    return np.full_like(alpha, 255) if is_cut_out(picture) else alpha


def is_cut_out(picture: Picture) -> bool:
    """Whether the upload's background is fully transparent: at its border, and in at least `MIN_SHARE` of its area."""
    if not picture.has_alpha:
        return False
    transparent = picture.rgba[..., 3] == 0
    border = transparent[0].any() or transparent[-1].any() or transparent[:, 0].any() or transparent[:, -1].any()
    return bool(border) and int(np.count_nonzero(transparent)) >= MIN_SHARE * transparent.size
