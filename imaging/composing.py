"""Composes picture and matte to the cut-out, at full size and in place."""

import cv2
import numpy as np

from imaging.bands import bands
from imaging.decontaminate import Decontamination
from imaging.picture import Picture, Pixels


def compose(picture: Picture, matte: Pixels, decontamination: Decontamination) -> Pixels:
    """The cut-out uint8 [H,W,4] with straight alpha: the picture's `rgba`, changed in place.

    Alpha is the upload's alpha times the matte, uint8 [H,W]. The background's colour is removed from half transparent
    pixels. Every channel is 0 where alpha is 0, so that the file contains nothing of the background. Opaque pixels do
    not change.
    """
    rgba = picture.rgba
    for rows in bands(*matte.shape):  # one pass: each band is in the cache for all of it
        band = matte[rows]
        alpha = _times_own_alpha(band, rgba[rows]) if picture.has_alpha else band
        decontamination.apply(rows, band, alpha)
        if picture.has_alpha:
            rgba[rows, :, 3] = alpha
        np.copyto(rgba[rows].view(np.uint32)[..., 0], np.uint32(0), where=alpha == 0)
    return rgba


def _times_own_alpha(matte: Pixels, rgba: Pixels) -> Pixels:
    return np.asarray(cv2.multiply(np.ascontiguousarray(rgba[..., 3]), matte, scale=1 / 255), np.uint8)
