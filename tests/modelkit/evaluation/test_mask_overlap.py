"""Overlap of squares whose areas and outlines are known."""

from collections.abc import Callable

import numpy as np
import pytest

from modelkit.evaluation.mask_overlap import Mask, boundary_iou, intersection_over_union

EMPTY = np.zeros((100, 100), np.bool_)


def square(side: int, *, shift: int = 0) -> Mask:
    """In the middle of 100 x 100, whose boundaries are 3 pixels wide: 2 % of the diagonal."""
    mask = EMPTY.copy()
    start = 50 - side // 2
    mask[start : start + side, start + shift : start + side + shift] = True
    return mask


@pytest.mark.parametrize("measure", [intersection_over_union, boundary_iou])
def test_the_same_mask_is_1_and_a_disjoint_one_0(measure: Callable[[Mask, Mask], float]) -> None:
    assert measure(square(40), square(40)) == 1
    assert measure(EMPTY, EMPTY) == 1
    assert measure(EMPTY, square(40)) == 0
    assert measure(~square(40), square(40)) == 0


def test_areas() -> None:
    assert intersection_over_union(square(20), square(40)) == 0.25
    assert intersection_over_union(square(40, shift=10), square(40)) == 30 / 50


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        (42, (40**2 - 36**2) / (42**2 - 34**2)),  # one pixel too large: 2 of 4 pixels in common
        (44, (40**2 - 38**2) / (44**2 - 34**2)),
        (46, 0),  # its inner 3 pixels lie outside of the smaller one
    ],
)
def test_boundaries_of_squares(side: int, expected: float) -> None:
    assert boundary_iou(square(side), square(40)) == pytest.approx(expected)


def test_the_edge_of_the_picture_is_a_boundary() -> None:
    assert boundary_iou(square(100), square(94)) == 0
    assert boundary_iou(square(100), square(98)) == pytest.approx((98**2 - 94**2) / (100**2 - 92**2))


def test_a_boundary_is_at_least_one_pixel() -> None:
    corner = np.zeros((8, 8), np.bool_)
    corner[:4, :4] = True
    assert boundary_iou(corner, corner) == 1
    filled, hollow = corner.copy(), corner.copy()
    hollow[1:3, 1:3] = False
    assert boundary_iou(filled, hollow) == 1
