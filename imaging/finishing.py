"""Applies background, crop and size to the cut-out."""

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from imaging.bands import bands
from imaging.box import Box, subject_box
from imaging.output import Channels, Colour, Crop, Length, Output
from imaging.picture import Pixels

_FILTER = Image.Resampling.HAMMING
"""Has no negative lobes: no halo along the subject's edge, and nothing appears where alpha is 0."""

_REDUCING_GAP = 3.0
"""Whole pixels are averaged first where that leaves three times the size: a part of the time, no visible difference."""


@dataclass(frozen=True, slots=True, eq=False)
class Finished:
    """The pixels to encode.

    Attributes:
        pixels: uint8 [H,W,4] with straight alpha, [H,W,3] on a background, or [H,W] for the matte alone.
        subject: where it was in the whole upright picture.
    """

    pixels: Pixels
    subject: Box


def finish(rgba: Pixels, output: Output) -> Finished:
    """Of the cut-out uint8 [H,W,4], whose memory is used; the plain output is the cut-out itself."""
    subject = subject_box(rgba)
    pixels = _channels(rgba, output)
    if output.crop is not None:
        pixels = _cropped(pixels, subject, output.crop, output.background or (0, 0, 0))
    return Finished(_shrunk(pixels, output), subject)


def _channels(rgba: Pixels, output: Output) -> Pixels:
    if output.channels is Channels.ALPHA:
        return np.asarray(cv2.extractChannel(rgba, 3), np.uint8)
    return rgba if output.background is None else _on(rgba, output.background)


def _on(rgba: Pixels, background: Colour) -> Pixels:
    """uint8 [H,W,3] of the cut-out on a plain background, each term of the mixture rounded."""
    rgb = np.empty((*rgba.shape[:2], 3), np.uint8)
    shows_through = np.rint(np.outer(np.arange(255, -1, -1) / 255, background)).astype(np.uint8).reshape(256, 1, 3)
    for rows in bands(*rgba.shape[:2]):
        opacity = cv2.cvtColor(cv2.extractChannel(rgba[rows], 3), cv2.COLOR_GRAY2RGB)
        band = cv2.multiply(cv2.cvtColor(rgba[rows], cv2.COLOR_RGBA2RGB), opacity, scale=1 / 255)
        cv2.add(band, cv2.LUT(opacity, shows_through), dst=rgb[rows])
    return rgb


def _cropped(pixels: Pixels, subject: Box, crop: Crop, background: Colour) -> Pixels:
    """The subject with its margins; the background continues where they go beyond the picture."""
    width, height = crop.size(subject.width, subject.height)
    left = subject.left - _margin_before(crop.left, crop.right, subject.width, width)
    top = subject.top - _margin_before(crop.top, crop.bottom, subject.height, height)
    result = np.empty((height, width, *pixels.shape[2:]), np.uint8)
    result[:] = 0 if pixels.ndim == 2 else (*background, 0)[: pixels.shape[2]]
    inside = pixels[max(top, 0) : top + height, max(left, 0) : left + width]
    down, across = max(-top, 0), max(-left, 0)
    result[down : down + inside.shape[0], across : across + inside.shape[1]] = inside
    return result


def _margin_before(front: Length, behind: Length, subject: int, size: int) -> int:
    """The margin on the left or above: its share of the room that the result's size leaves."""
    before, after = front.pixels(subject), behind.pixels(subject)
    return (size - subject) * before // max(before + after, 1)


def _shrunk(pixels: Pixels, output: Output) -> Pixels:
    """By Pillow, which weighs colours by their alpha."""
    height, width = pixels.shape[:2]
    size = output.fitted(width, height)
    if size == (width, height):
        return pixels
    small = Image.fromarray(pixels).resize(size, _FILTER, reducing_gap=_REDUCING_GAP)
    return np.asarray(small, np.uint8)
