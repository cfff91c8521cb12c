"""Foreground decontamination: removes the old background's colour from half transparent pixels."""

import cv2
import numpy as np

from imaging.foreground import estimate_foreground
from imaging.model_input import shrink
from imaging.picture import Picture, Pixels
from imaging.sampling import Lattice, between

ESTIMATE_SIDE = 256
"""Pixels of the estimate's longer side: the colours vary slowly, and the fusion with the picture restores detail."""


class Decontamination:
    """Foreground and background colour of a picture, estimated at a small size and sampled at any pixel.

    Args:
        alpha: uint8 [h,w] that tells the foreground from the background.
        small: the picture at the model's size, uint8 [S,S,3]; without it the picture itself is shrunk.
    """

    def __init__(self, picture: Picture, alpha: Pixels, small: Pixels | None = None) -> None:
        scale = min(1.0, ESTIMATE_SIDE / max(picture.width, picture.height))
        size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        small_alpha = cv2.resize(alpha / np.float32(255), size, interpolation=cv2.INTER_AREA)
        image = _small_image(size, picture, small).astype(np.float32) / np.float32(255)
        foreground, background = (
            np.asarray(cv2.cvtColor(each * 255, cv2.COLOR_RGB2RGBA), np.float32)
            for each in estimate_foreground(image, np.asarray(small_alpha, np.float32))
        )
        self._foreground, self._difference = foreground, foreground - background
        self._rgba = picture.rgba
        self._lattice = Lattice((picture.width, picture.height), size)

    def apply(self, rows: slice, matte: Pixels, alpha: Pixels) -> None:
        """Write a band's half transparent pixels, in place: colour F + a (I - a F - (1 - a) B), and alpha.

        Args:
            matte: a, uint8 [h,W].
            alpha: what is written, uint8 [h,W].
        """
        index = between(matte, 1, 254)
        if not index.size:
            return
        words = self._rgba[rows].view(np.uint32).reshape(-1)
        pixels = words[index].view(np.uint8).reshape(-1, 4).astype(np.float32)
        opacity = np.repeat(matte.reshape(-1)[index].astype(np.float32) / np.float32(255), 4).reshape(-1, 4)
        foreground, difference = (
            self._lattice.sample(each, rows, index) for each in (self._foreground, self._difference)
        )
        # I - a F - (1 - a) B is what the estimate does not explain: with D = F - B, it is I - F + (1 - a) D.
        pixels -= foreground
        difference *= 1 - opacity
        pixels += difference
        pixels *= opacity
        clean = np.asarray(cv2.add(foreground, pixels, dtype=cv2.CV_8U), np.uint8)
        clean[:, 3] = alpha.reshape(-1)[index]
        words[index] = clean.view(np.uint32)[:, 0]


def _small_image(size: tuple[int, int], picture: Picture, small: Pixels | None) -> Pixels:
    """The picture at a small size: from the one at the model's size, unless that is smaller still."""
    if small is None or small.shape[1] < size[0] or small.shape[0] < size[1]:
        return shrink(picture, *size)
    return np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
