"""Picture and alpha to the cut-out, at full size and in place."""

import cv2
import numpy as np

from imaging.bands import bands
from imaging.fit import shrink
from imaging.foreground import estimate_foreground
from imaging.matte import matte_of
from imaging.picture import Picture, Pixels
from imaging.sampling import positions, sample

ESTIMATE_SIDE = 512
"""Foreground and background colour vary slowly; the fusion brings the detail back."""


def compose(picture: Picture, matte: Pixels) -> Pixels:
    """Cut the picture out by a model's uint8 matte [S,S].

    The result is the picture's own `rgba`, changed in place: uint8 [H,W,4], straight alpha; the upload's own alpha
    times the model's; background colour taken out of half transparent pixels; 0 in every channel where alpha is 0,
    so that nothing of the background is handed on unseen.
    """
    rgba = picture.rgba
    colours = _Colours(picture, matte)
    matte = matte_of(picture, matte)
    for rows in bands(*matte.shape):
        alpha = _times_own(matte[rows], rgba[rows]) if picture.has_alpha else matte[rows]
        colours.purify(rows, matte[rows])
        rgba[rows, :, 3] = alpha
        words = rgba[rows].view(np.uint32)[..., 0]
        words *= alpha > 0
    return rgba


def _times_own(matte: Pixels, rgba: Pixels) -> Pixels:
    return np.asarray(cv2.multiply(np.ascontiguousarray(rgba[..., 3]), matte, scale=1 / 255), np.uint8)


class _Colours:
    """Foreground and background colour of a picture, estimated small, at any pixel."""

    def __init__(self, picture: Picture, matte: Pixels) -> None:
        scale = min(1.0, ESTIMATE_SIDE / max(picture.width, picture.height))
        width, height = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        image = shrink(picture, width, height).astype(np.float32) / np.float32(255)
        small = cv2.resize(matte / np.float32(255), (width, height), interpolation=cv2.INTER_AREA)
        self._rgba = picture.rgba
        self._columns = positions(picture.width, width)
        self._rows = positions(picture.height, height)
        self._foreground, self._background = (
            np.asarray(cv2.cvtColor(each * 255, cv2.COLOR_RGB2RGBA), np.float32)
            for each in estimate_foreground(image, np.asarray(small, np.float32))
        )

    def purify(self, rows: slice, matte: Pixels) -> None:
        """Replace the colour of the band's half transparent pixels: F + a (I - a F - (1 - a) B)."""
        row, column = np.nonzero((matte - np.uint8(1)) < 254)
        if not row.size:
            return
        words = self._rgba[rows].view(np.uint32)[..., 0]
        pixels = words[row, column].view(np.uint8).astype(np.float32)
        opacity = np.repeat(matte[row, column] / np.float32(255), 4)
        where = self._columns[column], self._rows[rows][row]
        foreground, background = (sample(each, *where).reshape(-1) for each in (self._foreground, self._background))
        mixed = background + opacity * (foreground - background)
        pure = np.clip(np.rint(foreground + opacity * (pixels - mixed)), 0, 255)
        words[row, column] = pure.astype(np.uint8).view(np.uint32)
