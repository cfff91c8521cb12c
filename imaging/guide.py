"""The edge that a small alpha has lost, found again in the picture.

He et al., "Guided Image Filtering" (TPAMI 2013), eq. 19 to 21: around every pixel alpha is near a linear function of
colour. As in He and Sun, "Fast Guided Filter" (2015), the functions are found at the model's size and used at the
picture's.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging.fit import MID_GREY, shrink
from imaging.picture import Picture, Pixels
from imaging.sampling import Plane, positions, sample

Index = NDArray[np.intp]

RADIUS = 4
"""Pixels of the model's alpha to each side of one that decide its function."""

EPSILON = 1e-4
"""Variance of colour in 0..1 that is taken for grain; more makes flatter functions."""

SOFT = 13
"""What is nearer than this to 0 or 255 is settled: there the filter would only make haze."""


class Guide:
    """Alpha as a linear function of colour, for every place of a picture.

    Args:
        alpha: the model's, uint8 [h,w].
    """

    def __init__(self, picture: Picture, alpha: Pixels) -> None:
        height, width = alpha.shape
        image = shrink(picture, width, height).astype(np.float32) / np.float32(255)
        self._functions = _functions(image, alpha.astype(np.float32) / np.float32(255))
        self._picture = picture
        self._columns, self._rows = positions(picture.width, width), positions(picture.height, height)

    def sharpen(self, rows: slice, matte: Pixels) -> None:
        """Replace the half transparent pixels of a band of the full matte, uint8 [h,W], in place."""
        row, column = np.nonzero((matte >= SOFT) & (matte <= 255 - SOFT))
        if not row.size:
            return
        functions = sample(self._functions, self._columns[column], self._rows[rows][row])
        alpha = np.einsum("nc,nc->n", functions, self._colours(rows, row, column))
        matte[row, column] = np.clip(np.rint(alpha), 0, 255)

    def _colours(self, rows: slice, row: Index, column: Index) -> Plane:
        """[n,4]: RGB over mid-grey, as the model saw it, and 255 for the functions' constant."""
        pixels = self._picture.rgba[rows].view(np.uint32)[..., 0][row, column].view(np.uint8).reshape(-1, 4)
        colours: Plane = pixels.astype(np.float32)
        if self._picture.has_alpha:
            colours[:, :3] = MID_GREY + (colours[:, :3] - MID_GREY) * (colours[:, 3:] / 255)
            colours[:, 3] = 255
        return colours


def _functions(image: Plane, alpha: Plane) -> Plane:
    """Slopes for red, green and blue, and the constant: float32 [h,w,4].

    Where colours hardly vary they tell nothing and the filter would only blur: what it lost of alpha is put back there.
    """
    mean, level = _mean(image), _mean(alpha)
    variance = _mean(image * image) - mean * mean
    together = _mean(image * alpha[..., None]) - mean * level[..., None]
    slopes = _solve(image, mean, variance, together)
    constant = level - (slopes * mean).sum(axis=2)
    functions = _mean(np.dstack([slopes, constant]))
    lost = alpha - (functions[..., :3] * image).sum(axis=2) - functions[..., 3]
    functions[..., 3] += lost * (EPSILON / (EPSILON + variance.mean(axis=2)))
    return functions


def _solve(image: Plane, mean: Plane, variance: Plane, together: Plane) -> Plane:
    """(covariance of colour + epsilon)⁻¹ · covariance of colour and alpha, by cofactors."""
    beside = np.roll(image, -1, axis=2)
    mixed = _mean(image * beside) - mean * np.roll(mean, -1, axis=2)
    squares = variance + np.float32(EPSILON)
    (rr, gg, bb), (rg, gb, br) = cv2.split(squares), cv2.split(mixed)
    cofactors = (
        (gg * bb - gb * gb, br * gb - rg * bb, rg * gb - br * gg),
        (br * gb - rg * bb, rr * bb - br * br, rg * br - rr * gb),
        (rg * gb - br * gg, rg * br - rr * gb, rr * gg - rg * rg),
    )
    determinant = rr * cofactors[0][0] + rg * cofactors[0][1] + br * cofactors[0][2]
    weights = cv2.split(together)
    solved = [sum(c * w for c, w in zip(line, weights, strict=True)) / determinant for line in cofactors]
    return np.dstack(solved)


def _mean(planes: Plane) -> Plane:
    """Over the window around every pixel."""
    side = 2 * RADIUS + 1
    return np.asarray(cv2.boxFilter(planes, -1, (side, side)), np.float32)
