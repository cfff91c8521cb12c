"""What counts as haze: half transparent and wide."""

import numpy as np
import pytest

from imaging.haze import haze_share

SIDE = 400
"""2.5 % of it are 10 pixels."""


def matte(*places: tuple[slice, slice, int]) -> np.ndarray:
    """A solid square of half the side with levels of 255 put into it."""
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[100:300, 100:300] = 255
    for rows, columns, level in places:
        alpha[rows, columns] = level
    return alpha


def test_a_solid_subject_and_an_empty_picture_have_none() -> None:
    assert haze_share(matte()) == 0
    assert haze_share(np.zeros((SIDE, SIDE), np.uint8)) == 0


def test_a_half_transparent_half_is_half() -> None:
    assert haze_share(matte((slice(100, 300), slice(100, 200), 128))) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(("wide", "expected"), [(9, 0), (10, 10 / 200), (20, 20 / 200)])
def test_a_strip_narrower_than_a_fortieth_of_the_side_is_an_edge(wide: int, expected: float) -> None:
    assert haze_share(matte((slice(100, 300), slice(150, 150 + wide), 128))) == pytest.approx(expected, abs=0.001)


@pytest.mark.parametrize(("level", "expected"), [(25, 0), (27, 0.5), (228, 0.5), (231, 0)])
def test_what_is_nearly_gone_or_nearly_solid_is_not_haze(level: int, expected: float) -> None:
    assert haze_share(matte((slice(100, 300), slice(100, 200), level))) == pytest.approx(expected, abs=0.01)


def test_it_does_not_depend_on_the_pictures_size() -> None:
    small = matte((slice(100, 300), slice(150, 165), 128))
    large = np.repeat(np.repeat(small, 3, axis=0), 2, axis=1)
    assert haze_share(large) == pytest.approx(haze_share(small), abs=0.002)
