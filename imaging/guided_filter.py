"""Guided upsampling: the small alpha is enlarged, and its edges follow those of the picture.

He et al., "Guided Image Filtering" (TPAMI 2013), eq. 19 to 21: around every pixel alpha is close to a linear function
of colour. As in He and Sun, "Fast Guided Filter" (2015), the functions are fitted at the alpha's size and evaluated at
the picture's.
"""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from imaging.bands import bands
from imaging.model_input import MID_GREY, shrink, to_image_size
from imaging.picture import Picture, Pixels
from imaging.sampling import Index, Lattice, Plane, between

RADIUS = 8
"""A window has this many pixels of the small alpha on each side of its centre."""

EPSILON = np.float32(1e-4)
"""Variance of colour (in 0..1) that counts as noise; a larger value gives flatter functions."""

SOFT = 13
"""Alpha closer than this to 0 or 255 is not refined: the filter would only add haze there."""

_INTERPOLATION_REACH = 4
"""Pixels of the small alpha that cubic enlargement adds to what a function depends on."""

Window = tuple[slice, slice]


def upsample(picture: Picture, alpha: Pixels, small: Pixels | None = None, radius: int = RADIUS) -> Pixels:
    """The matte, uint8 [H,W], from uint8 alpha [h,w].

    Args:
        small: the picture at the alpha's size, uint8 [h,w,3]; made from the picture when it is missing or has
            another size.
        radius: as `RADIUS`.
    """
    height, width = alpha.shape
    if small is None or small.shape[:2] != alpha.shape:
        small = shrink(picture, width, height)
    matte = to_image_size(alpha, picture.width, picture.height)
    guided_filter = _GuidedFilter(picture, small, alpha, radius)
    for rows in bands(*matte.shape):
        guided_filter.refine(rows, matte[rows])
    return matte


class _GuidedFilter:
    """Alpha as a linear function of colour, for every place of a picture that is half transparent."""

    def __init__(self, picture: Picture, small: Pixels, alpha: Pixels, radius: int) -> None:
        height, width = alpha.shape
        self._functions = np.zeros((height, width, 4), np.float32)
        window = _soft_window(alpha, 2 * radius + _INTERPOLATION_REACH)
        if window:
            image, level = (each[window].astype(np.float32) / np.float32(255) for each in (small, alpha))
            self._functions[window] = _fit(image, level, radius)
        self._picture = picture
        self._lattice = Lattice((picture.width, picture.height), (width, height))

    def refine(self, rows: slice, matte: Pixels) -> None:
        """Replace the half transparent pixels of a band of the matte, uint8 [h,W], in place."""
        index = between(matte, SOFT, 255 - SOFT)
        if not index.size:
            return
        functions = self._lattice.sample(self._functions, rows, index)
        alpha = np.einsum("nc,nc->n", functions, self._colours(rows, index))
        matte.reshape(-1)[index] = np.clip(np.rint(alpha), 0, 255)

    def _colours(self, rows: slice, index: Index) -> Plane:
        """[n,4]: RGB over mid-grey, as in the model's input, and 255 for the functions' constant."""
        pixels = self._picture.rgba[rows].view(np.uint32).reshape(-1)[index].view(np.uint8).reshape(-1, 4)
        colours: Plane = pixels.astype(np.float32)
        if self._picture.has_alpha:
            colours[:, :3] = MID_GREY + (colours[:, :3] - MID_GREY) * (colours[:, 3:] / 255)
            colours[:, 3] = 255
        return colours


def _soft_window(alpha: Pixels, reach: int) -> Window | None:
    """The rectangle that holds every soft pixel and all pixels that their functions depend on; None without any."""
    nearby = np.ones((5, 5), np.uint8)
    soft = (cv2.dilate(alpha, nearby) >= SOFT) & (cv2.erode(alpha, nearby) <= 255 - SOFT)
    sides = [np.flatnonzero(soft.any(axis=axis)) for axis in (1, 0)]
    if not sides[0].size:
        return None
    down, across = (slice(max(int(side[0]) - reach, 0), int(side[-1]) + 1 + reach) for side in sides)
    return down, across


def _fit(image: Plane, alpha: Plane, radius: int) -> Plane:
    """Slopes for red, green and blue, and the constant: float32 [h,w,4].

    They come from the covariances in the window around every pixel. Where colours hardly vary, they carry no
    information and the filter would only blur: the alpha that it lost is added back there.
    Channel by channel: arrays of one channel are several times faster than arrays with a last axis of three.
    """
    colours = [np.ascontiguousarray(image[..., channel]) for channel in range(3)]
    mean = partial(_mean, radius=radius)
    means, level = [mean(each) for each in colours], mean(alpha)
    (r, g, b), (mr, mg, mb) = colours, means
    variances = [mean(each * each) - its * its for each, its in zip(colours, means, strict=True)]
    mixed = mean(r * g) - mr * mg, mean(g * b) - mg * mb, mean(b * r) - mb * mr
    with_alpha = [mean(each * alpha) - its * level for each, its in zip(colours, means, strict=True)]
    slopes = _solve([each + EPSILON for each in variances], mixed, with_alpha)
    constant = level - _dot(slopes, means)
    *slopes, constant = (mean(each) for each in (*slopes, constant))
    lost = alpha - _dot(slopes, colours) - constant
    spread = (variances[0] + variances[1] + variances[2]) / np.float32(3)
    constant += lost * (EPSILON / (EPSILON + spread))
    return np.asarray(cv2.merge([*slopes, constant]), np.float32)


def _dot(first: Sequence[Plane], second: Sequence[Plane]) -> Plane:
    dot: Plane = first[0] * second[0] + first[1] * second[1] + first[2] * second[2]
    return dot


def _solve(squares: Sequence[Plane], mixed: Sequence[Plane], weights: Sequence[Plane]) -> list[Plane]:
    """(covariance of colour + epsilon)⁻¹ · covariance of colour and alpha, by cofactors."""
    (rr, gg, bb), (rg, gb, br) = squares, mixed
    crossed = br * gb - rg * bb, rg * gb - br * gg, rg * br - rr * gb
    cofactors = (
        (gg * bb - gb * gb, crossed[0], crossed[1]),
        (crossed[0], rr * bb - br * br, crossed[2]),
        (crossed[1], crossed[2], rr * gg - rg * rg),
    )
    determinant = _dot((rr, rg, br), cofactors[0])
    return [_dot(line, weights) / determinant for line in cofactors]


def _mean(plane: Plane, radius: int) -> Plane:
    """Over the window around every pixel."""
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(plane, -1, (side, side)), np.float32)
