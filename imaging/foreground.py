"""The subject's own colour where it is half transparent: what of a pixel came from the old background is taken out.

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
    colours = np.concatenate([_mean(image, alpha > 0.9), _mean(image, alpha < 0.1)])[None, None]
    levels = int(np.ceil(np.log2(max(width, height, 2))))
    for level in range(levels + 1):
        size = round(width ** (level / levels)), round(height ** (level / levels))
        colours = _resize(colours, size)
        colours = _relax(_planes(_resize(image, size)), _resize(alpha, size), _planes(colours)).transpose(1, 2, 0)
    return np.ascontiguousarray(colours[..., :3]), np.ascontiguousarray(colours[..., 3:])


def _mean(image: Plane, where: NDArray[np.bool_]) -> Plane:
    return image[where].mean(axis=0) if where.any() else np.zeros(3, np.float32)


def _resize(array: Plane, size: tuple[int, int]) -> Plane:
    return np.asarray(cv2.resize(np.ascontiguousarray(array), size, interpolation=cv2.INTER_NEAREST), np.float32)


def _planes(array: Plane) -> Plane:
    return np.ascontiguousarray(array.transpose(2, 0, 1))


def _relax(image: Plane, alpha: Plane, colours: Plane) -> Plane:
    """Improve F and B, stacked as [6,h,w], on one level.

    A sweep sets both to their neighbours' mean, weighted by how much alpha changes between the two (where it does not
    change, the pixel itself says little), and then gives each its share of what the pixel still lacks.
    """
    weights = np.stack([np.abs(alpha - beside) for beside in _neighbours(alpha)]) + _REGULARIZATION
    total = weights.sum(axis=0)
    weights /= total
    shares = np.stack([alpha, 1 - alpha])[:, None]
    gains = shares / (total + (shares * shares).sum(axis=0))
    sweeps = _COARSE_SWEEPS if max(alpha.shape) <= _COARSE_SIDE else _SWEEPS
    for _ in range(sweeps):
        both = _weighted_mean(colours, weights).reshape(2, 3, *alpha.shape)
        both += gains * (image - (shares * both).sum(axis=0))
        colours = np.clip(both, 0, 1, out=both).reshape(colours.shape)
    return colours


def _weighted_mean(planes: Plane, weights: Plane) -> Plane:
    mean = np.zeros_like(planes)
    for beside, weight in zip(_neighbours(planes), weights, strict=True):
        mean += beside * weight
    return mean


def _neighbours(planes: Plane) -> tuple[Plane, Plane, Plane, Plane]:
    """What lies left, right, above and below of every pixel of [...,h,w], edges repeated."""
    padding = [(0, 0)] * (planes.ndim - 2) + [(1, 1), (1, 1)]
    wide = np.pad(planes, padding, mode="edge")
    return wide[..., 1:-1, :-2], wide[..., 1:-1, 2:], wide[..., :-2, 1:-1], wide[..., 2:, 1:-1]
