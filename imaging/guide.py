"""The edge that a small alpha has lost, found again in the picture.

He et al., "Guided Image Filtering" (TPAMI 2013), eq. 19 to 21: around every pixel alpha is near a linear function of
colour. As in He and Sun, "Fast Guided Filter" (2015), the functions are found at the model's size and used at the
picture's.
"""

from collections.abc import Sequence
from functools import partial

import cv2
import numpy as np

from imaging.model_input import MID_GREY
from imaging.picture import Picture, Pixels
from imaging.sampling import Index, Lattice, Plane, between

RADIUS = 8
"""Pixels of the model's alpha to each side of one that decide its function."""

EPSILON = np.float32(1e-4)
"""Variance of colour in 0..1 that is taken for grain; more makes flatter functions."""

SOFT = 13
"""What is nearer than this to 0 or 255 is settled: there the filter would only make haze."""

_BEYOND = 4
"""Pixels of the small alpha that enlargement adds to what a function depends on."""

Window = tuple[slice, slice]


class GuidedUpsampler:
    """Alpha as a linear function of colour, for every place of a picture that is half transparent.

    Args:
        seen: the picture at the size of the alpha, uint8 [h,w,3].
        alpha: the model's, uint8 [h,w].
        radius: as `RADIUS`.
    """

    def __init__(self, picture: Picture, seen: Pixels, alpha: Pixels, radius: int = RADIUS) -> None:
        height, width = alpha.shape
        self._functions = np.zeros((height, width, 4), np.float32)
        window = _unsettled(alpha, 2 * radius + _BEYOND)
        if window:
            image, level = (each[window].astype(np.float32) / np.float32(255) for each in (seen, alpha))
            self._functions[window] = _functions(image, level, radius)
        self._picture = picture
        self._lattice = Lattice((picture.width, picture.height), (width, height))

    def refine(self, rows: slice, matte: Pixels) -> None:
        """Replace the half transparent pixels of a band of the full matte, uint8 [h,W], in place."""
        index = between(matte, SOFT, 255 - SOFT)
        if not index.size:
            return
        functions = self._lattice.sample(self._functions, rows, index)
        alpha = np.einsum("nc,nc->n", functions, self._colours(rows, index))
        matte.reshape(-1)[index] = np.clip(np.rint(alpha), 0, 255)

    def _colours(self, rows: slice, index: Index) -> Plane:
        """[n,4]: RGB over mid-grey, as the model saw it, and 255 for the functions' constant."""
        pixels = self._picture.rgba[rows].view(np.uint32).reshape(-1)[index].view(np.uint8).reshape(-1, 4)
        colours: Plane = pixels.astype(np.float32)
        if self._picture.has_alpha:
            colours[:, :3] = MID_GREY + (colours[:, :3] - MID_GREY) * (colours[:, 3:] / 255)
            colours[:, 3] = 255
        return colours


def _unsettled(alpha: Pixels, reach: int) -> Window | None:
    """The rectangle outside of which the enlarged alpha is settled, with all that its functions depend on."""
    nearby = np.ones((5, 5), np.uint8)
    soft = (cv2.dilate(alpha, nearby) >= SOFT) & (cv2.erode(alpha, nearby) <= 255 - SOFT)
    sides = [np.flatnonzero(soft.any(axis=axis)) for axis in (1, 0)]
    if not sides[0].size:
        return None
    down, across = (slice(max(int(side[0]) - reach, 0), int(side[-1]) + 1 + reach) for side in sides)
    return down, across


def _functions(image: Plane, alpha: Plane, radius: int) -> Plane:
    """Slopes for red, green and blue, and the constant: float32 [h,w,4].

    From the covariances in the window around every pixel. Where colours hardly vary they tell nothing and the filter
    would only blur: what it lost of alpha is put back there.
    Channel by channel: arrays of one channel are several times faster than arrays whose last axis is of three.
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
