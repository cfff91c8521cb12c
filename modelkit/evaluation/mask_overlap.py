"""Overlap of cut masks: intersection over union, of areas and of boundaries."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_BOUNDARY = 0.02
"""Width of the boundary as a share of the diagonal: the default of the paper."""


def intersection_over_union(mask: Mask, truth: Mask) -> float:
    """0 to 1; 1 where both are empty."""
    union = np.count_nonzero(mask | truth)
    return float(np.count_nonzero(mask & truth) / union) if union else 1.0


def boundary_iou(mask: Mask, truth: Mask) -> float:
    """Cheng et al., "Boundary IoU" (CVPR 2021): IoU of what lies within 2 % of the diagonal inside of each outline.

    A mask's outline runs along the picture's edge, too, where the edge cuts the object off.
    """
    return intersection_over_union(_boundary(mask), _boundary(truth))


def _boundary(mask: Mask) -> Mask:
    width = max(round(_BOUNDARY * math.hypot(*mask.shape)), 1)
    window = np.ones((2 * width + 1, 2 * width + 1), np.uint8)
    inner = cv2.erode(mask.astype(np.uint8), window, borderType=cv2.BORDER_CONSTANT, borderValue=0)
    return np.asarray(mask & (inner == 0), np.bool_)
