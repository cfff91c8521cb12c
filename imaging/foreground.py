"""Foreground and background colour of a picture, estimated from its alpha.

Every pixel is I = a F + (1 - a) B. Germer et al., "Fast Multi-Level Foreground Estimation" (2020) find smooth F and B
from coarse to fine; here the sweeps are Jacobi's instead of Gauss-Seidel's, so that each is a few array operations.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]

_REGULARIZATION = np.float32(1e-5)
_COARSE_SIDE, _COARSE_SWEEPS, _SWEEPS = 32, 10, 3


def estimate_foreground(image: Plane, alpha: Plane) -> tuple[Plane, Plane]:
    """Foreground and background colour of a small picture.

    Args:
        image: float32 [h,w,3] in 0..1.
        alpha: float32 [h,w] in 0..1.

    Returns:
        F and B, float32 [h,w,3] in 0..1, for every pixel.
    """
    height, width = alpha.shape
    colours = np.concatenate([_mean(image, alpha > 0.9), _mean(image, alpha < 0.1)])[:, None, None]
    planes = np.ascontiguousarray(image.transpose(2, 0, 1))
    levels = int(np.ceil(np.log2(max(width, height, 2))))
    for level in range(levels + 1):
        size = round(width ** (level / levels)), round(height ** (level / levels))
        level_alpha = _resize(alpha[None], size)[0]
        colours = _Level(_resize(planes, size), level_alpha, _resize(colours, size)).relaxed()
    foreground, background = (np.ascontiguousarray(each.transpose(1, 2, 0)) for each in (colours[:3], colours[3:]))
    return foreground, background


def _mean(image: Plane, where: NDArray[np.bool_]) -> Plane:
    return image[where].mean(axis=0) if where.any() else np.zeros(3, np.float32)


def _resize(planes: Plane, size: tuple[int, int]) -> Plane:
    """[n,h,w] to width and height, each pixel the nearest one."""
    resized = np.empty((len(planes), size[1], size[0]), np.float32)
    for plane, target in zip(planes, resized, strict=True):
        cv2.resize(plane, size, dst=target, interpolation=cv2.INTER_NEAREST)
    return resized


class _Level:
    """F and B on one level, stacked as [6,h,w] within a border that repeats their edge.

    A sweep sets both to their neighbours' mean, weighted by how much alpha changes between the two (where it does not
    change, the pixel itself says little), and then gives each its share of what the pixel still lacks.
    """

    def __init__(self, image: Plane, alpha: Plane, colours: Plane) -> None:
        height, width = alpha.shape
        self._image, self._alpha, self._rest = image, alpha, 1 - alpha
        self._wide = np.empty((6, height + 2, width + 2), np.float32)
        self._inner = self._wide[:, 1:-1, 1:-1]
        self._inner[:] = colours
        around = _neighbours(np.asarray(cv2.copyMakeBorder(alpha, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32))
        weights = [np.abs(alpha - beside) + _REGULARIZATION for beside in around]
        total = weights[0] + weights[1] + weights[2] + weights[3]
        self._weights = [weight / total for weight in weights]
        lack = total + alpha * alpha + self._rest * self._rest
        self._shares = alpha / lack, self._rest / lack

    def relaxed(self) -> Plane:
        """F and B after some sweeps."""
        for _ in range(_COARSE_SWEEPS if max(self._alpha.shape) <= _COARSE_SIDE else _SWEEPS):
            self._sweep()
        return self._inner

    def _sweep(self) -> None:
        self._repeat_edges()
        first, *others = zip(_neighbours(self._wide), self._weights, strict=True)
        both: Plane = first[0] * first[1]
        part = np.empty_like(both)
        for beside, weight in others:
            both += np.multiply(beside, weight, out=part)
        foreground, background = both[:3], both[3:]
        lack = self._image - foreground * self._alpha
        lack -= background * self._rest
        foreground += lack * self._shares[0]
        background += lack * self._shares[1]
        np.clip(both, 0, 1, out=self._inner)

    def _repeat_edges(self) -> None:
        wide = self._wide
        wide[:, 0], wide[:, -1] = wide[:, 1], wide[:, -2]
        wide[:, :, 0], wide[:, :, -1] = wide[:, :, 1], wide[:, :, -2]


def _neighbours(wide: Plane) -> tuple[Plane, Plane, Plane, Plane]:
    """What lies left, right, above and below of every pixel within the border of [...,h,w]."""
    return wide[..., 1:-1, :-2], wide[..., 1:-1, 2:], wide[..., :-2, 1:-1], wide[..., 2:, 1:-1]
