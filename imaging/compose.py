"""Picture and alpha to the cut-out, at full size and in place."""

import cv2
import numpy as np

from imaging.bands import bands
from imaging.foreground import estimate_foreground
from imaging.matte import matte_of
from imaging.model_input import shrink
from imaging.own_alpha import is_cut_out
from imaging.picture import Picture, Pixels
from imaging.sampling import Lattice, Plane, between

ESTIMATE_SIDE = 256
"""Foreground and background colour vary slowly; the fusion brings the detail back."""


def compose(picture: Picture, alpha: Pixels, seen: Pixels | None = None) -> Pixels:
    """Cut the picture out by a model's uint8 alpha [S,S].

    The result is the picture's own `rgba`, changed in place: uint8 [H,W,4], straight alpha; the upload's own alpha
    times the model's; background colour taken out of half transparent pixels; 0 in every channel where alpha is 0,
    so that nothing of the background is handed on unseen. Only what is not opaque is touched. An upload that is a
    cut-out already keeps its own alpha and its colours, and the model's alpha does not matter.

    Args:
        seen: the picture as the model saw it, uint8 [S,S,3]; made anew where it is not at hand.
    """
    if is_cut_out(picture):
        return _without_hidden_colour(picture)
    return apply_matte(picture, matte_of(picture, alpha, seen), alpha, seen)


def apply_matte(picture: Picture, matte: Pixels, alpha: Pixels, seen: Pixels | None = None) -> Pixels:
    """As `compose`, by a uint8 [H,W] matte that is finished; `alpha` finds the colours, and may be the matte itself."""
    rgba = picture.rgba
    colours = _Colours(picture, alpha, seen)
    for rows in bands(*matte.shape):
        band = matte[rows]
        own = _times_own(band, rgba[rows]) if picture.has_alpha else band
        colours.decontaminate(rows, band, own)
        if picture.has_alpha:
            rgba[rows, :, 3] = own
        np.copyto(rgba[rows].view(np.uint32)[..., 0], np.uint32(0), where=own == 0)
    return rgba


def _without_hidden_colour(picture: Picture) -> Pixels:
    words = picture.rgba.view(np.uint32)[..., 0]
    np.copyto(words, np.uint32(0), where=picture.rgba[..., 3] == 0)
    return picture.rgba


def _times_own(matte: Pixels, rgba: Pixels) -> Pixels:
    return np.asarray(cv2.multiply(np.ascontiguousarray(rgba[..., 3]), matte, scale=1 / 255), np.uint8)


class _Colours:
    """Foreground and background colour of a picture, estimated small, at any pixel."""

    def __init__(self, picture: Picture, alpha: Pixels, seen: Pixels | None) -> None:
        scale = min(1.0, ESTIMATE_SIDE / max(picture.width, picture.height))
        size = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
        small = cv2.resize(alpha / np.float32(255), size, interpolation=cv2.INTER_AREA)
        image = _seen_at(size, picture, seen).astype(np.float32) / np.float32(255)
        foreground, background = (
            np.asarray(cv2.cvtColor(each * 255, cv2.COLOR_RGB2RGBA), np.float32)
            for each in estimate_foreground(image, np.asarray(small, np.float32))
        )
        self._background, self._difference = background, foreground - background
        self._foreground = foreground
        self._rgba = picture.rgba
        self._lattice = Lattice((picture.width, picture.height), size)

    def decontaminate(self, rows: slice, matte: Pixels, alpha: Pixels) -> None:
        """Replace the colour of the band's half transparent pixels, F + a (I - a F - (1 - a) B), and their alpha."""
        index = between(matte, 1, 254)
        if not index.size:
            return
        words = self._rgba[rows].view(np.uint32).reshape(-1)
        pixels = words[index].view(np.uint8).reshape(-1, 4).astype(np.float32)
        opacity = _fourfold(matte.reshape(-1)[index].astype(np.float32) / np.float32(255))
        foreground, difference = (
            self._lattice.sample(each, rows, index) for each in (self._foreground, self._difference)
        )
        # I - a F - (1 - a) B is what the estimate does not explain: with D = F - B, it is I - F + (1 - a) D.
        pixels -= foreground
        difference *= 1 - opacity
        pixels += difference
        pixels *= opacity
        pure = np.asarray(cv2.add(foreground, pixels, dtype=cv2.CV_8U), np.uint8)
        pure[:, 3] = alpha.reshape(-1)[index]
        words[index] = pure.view(np.uint32)[:, 0]


def _seen_at(size: tuple[int, int], picture: Picture, seen: Pixels | None) -> Pixels:
    """The picture at a small size: from what the model saw, where that is not smaller."""
    if seen is None or seen.shape[1] < size[0] or seen.shape[0] < size[1]:
        return shrink(picture, *size)
    return np.asarray(cv2.resize(seen, size, interpolation=cv2.INTER_AREA), np.uint8)


def _fourfold(values: Plane) -> Plane:
    """[n,4] of n values."""
    return np.repeat(values, 4).reshape(-1, 4)
