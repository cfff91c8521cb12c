"""Uploads that are cut-outs already: their own alpha is better than any that a model finds."""

import numpy as np

from imaging.picture import Picture

LEAST_SHARE = 0.05
"""Of the pixels that are wholly transparent in a cut-out; rounded corners of a screenshot are less."""


def is_cut_out(picture: Picture) -> bool:
    """Whether the upload's background is transparent: a share of it wholly, and at its border.

    A model sees such a picture on mid-grey and takes away what is near to that: up to a quarter of the solid pixels
    lost half of their alpha when it was asked all the same.
    """
    if not picture.has_alpha:
        return False
    transparent = picture.rgba[..., 3] == 0
    border = transparent[0].any() or transparent[-1].any() or transparent[:, 0].any() or transparent[:, -1].any()
    return bool(border) and int(np.count_nonzero(transparent)) >= LEAST_SHARE * transparent.size
