"""Errors of soft alpha. Gradient and connectivity: Rhemann et al., "A Perceptually Motivated Online Benchmark for Image
Matting" (CVPR 2009), with the parameters of its section 4.

Alpha is float [H,W] in 0..1. The benchmark looks only at a trimap's unknown region; a cut-out has no trimap, so here it
is the whole picture. Sums are in thousands, as the field prints them.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Alpha = NDArray[np.float64]

_THOUSAND = 1000
_SIGMA = 1.4
_SOFT = 0.02
_LEVELS = 10
_CONNECTED = 0.15
"""The paper's theta: a pixel this little above the level at which it is connected counts as connected."""


def mean_absolute(alpha: Alpha, truth: Alpha) -> float:
    """0 to 1."""
    return float(np.abs(alpha - truth).mean())


def mean_squared(alpha: Alpha, truth: Alpha) -> float:
    """0 to 1."""
    return float(np.square(alpha - truth).mean())


def sum_absolute(alpha: Alpha, truth: Alpha) -> float:
    """Thousands of pixels."""
    return float(np.abs(alpha - truth).sum()) / _THOUSAND


def soft_band(alpha: Alpha, truth: Alpha) -> float:
    """Mean squared error where the truth lies in 0.02 to 0.98: hard alpha is seldom exact. NaN without such a place."""
    soft = (truth > _SOFT) & (truth < 1 - _SOFT)
    return mean_squared(alpha[soft], truth[soft]) if soft.any() else math.nan


def gradient(alpha: Alpha, truth: Alpha) -> float:
    """Squared difference of the gradients' magnitudes, summed, in thousands."""
    return float(np.square(_magnitude(alpha) - _magnitude(truth)).sum()) / _THOUSAND


def _magnitude(alpha: Alpha) -> Alpha:
    """Length of the gradient under first derivatives of a Gaussian, each filter of unit energy."""
    smooth, derivative = _kernels()
    across = cv2.sepFilter2D(alpha, -1, derivative, smooth, borderType=cv2.BORDER_REPLICATE)
    down = cv2.sepFilter2D(alpha, -1, smooth, derivative, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.hypot(across, down), np.float64)


def _kernels() -> tuple[Alpha, Alpha]:
    """Cut off where the Gaussian falls below a hundredth."""
    half = math.ceil(_SIGMA * math.sqrt(-2 * math.log(math.sqrt(2 * math.pi) * _SIGMA * 0.01)))
    x = np.arange(-half, half + 1, dtype=np.float64)
    smooth = np.exp(-(x**2) / (2 * _SIGMA**2))
    derivative = x * smooth
    return smooth / np.linalg.norm(smooth), derivative / np.linalg.norm(derivative)


def connectivity(alpha: Alpha, truth: Alpha) -> float:
    """How differently the two hang on to the largest thing that both show, summed, in thousands.

    A pixel is connected up to the highest level at which it belongs to the largest 4-connected region where both alphas
    reach the level. What it has above that is its distance; distances below theta do not count. The exponent is 1. The
    paper's weight lambda is left out, as in the implementation that published figures come from.
    """
    connected = _connected_level(np.minimum(alpha, truth))
    return float(np.abs(_degree(alpha, connected) - _degree(truth, connected)).sum()) / _THOUSAND


def _degree(alpha: Alpha, connected: Alpha) -> Alpha:
    distance = alpha - connected
    return np.where(distance >= _CONNECTED, 1 - distance, 1.0)


def _connected_level(both: Alpha) -> Alpha:
    connected = np.ones_like(both)
    undecided = np.ones(both.shape, np.bool_)
    for step in range(1, _LEVELS + 1):
        lost = undecided & ~_largest_region(both >= step / _LEVELS)
        connected[lost] = (step - 1) / _LEVELS
        undecided &= ~lost
    return connected


def _largest_region(where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    count, labels, stats, _ = cv2.connectedComponentsWithStats(where.astype(np.uint8), connectivity=4)
    if count == 1:  # nothing but the background
        return where
    return np.asarray(labels == 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA])), np.bool_)
