"""The errors of soft alpha against values worked out by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from modelkit.evaluation.matting_errors import (
    Alpha,
    connectivity,
    gradient,
    mean_absolute,
    mean_squared,
    soft_band,
    sum_absolute,
)

Measure = Callable[[Alpha, Alpha], float]

EVERY: list[Measure] = [mean_absolute, mean_squared, sum_absolute, gradient, connectivity]


def ramp() -> Alpha:
    return np.tile(np.linspace(0, 1, 30), (20, 1))


def step(column: int) -> Alpha:
    alpha = np.zeros((20, 30))
    alpha[:, column:] = 1
    return alpha


@pytest.mark.parametrize("error", EVERY)
def test_a_perfect_alpha_has_no_error(error: Measure) -> None:
    assert error(ramp(), ramp()) == 0


@pytest.mark.parametrize("error", EVERY)
def test_a_shifted_edge_is_an_error_and_the_further_the_larger(error: Measure) -> None:
    assert 0 < error(step(16), step(15)) < error(step(19), step(15))


def test_an_inverted_mask_is_as_wrong_as_can_be() -> None:
    assert mean_absolute(1 - step(15), step(15)) == 1
    assert mean_squared(1 - step(15), step(15)) == 1
    assert sum_absolute(1 - step(15), step(15)) == pytest.approx(0.6)


def test_differences_of_a_quarter() -> None:
    alpha, truth = np.full((10, 10), 0.5), np.full((10, 10), 0.75)
    assert mean_absolute(alpha, truth) == 0.25
    assert mean_squared(alpha, truth) == 0.0625
    assert sum_absolute(alpha, truth) == pytest.approx(0.025)


def test_the_soft_band_is_where_the_truth_is_neither_nearly_0_nor_nearly_1() -> None:
    assert soft_band(np.array([1.0, 0.25, 0.0]), np.array([0.0, 0.5, 1.0])) == 0.0625
    assert soft_band(np.array([1.0, 0.25, 0.0]), np.array([5 / 255, 0.5, 250 / 255])) == 0.0625
    assert soft_band(np.array([1.0, 1.0]), np.array([6 / 255, 249 / 255])) > 0.4
    assert math.isnan(soft_band(step(3), step(15)))


def test_the_gradient_of_a_step_is_that_of_its_formula() -> None:
    """Gaussian of sigma 1.4 cut at +-4, filters of unit energy: each column sees a partial sum of the derivative."""
    gauss = [math.exp(-(x**2) / (2 * 1.4**2)) for x in range(-4, 5)]
    slope = [x * each for x, each in zip(range(-4, 5), gauss, strict=True)]
    energy = math.sqrt(sum(each**2 for each in gauss)) * math.sqrt(sum(each**2 for each in slope))
    columns = [sum(gauss) * sum(slope[first:]) / energy for first in range(1, 9)]
    expected = 20 * sum(each**2 for each in columns) / 1000
    assert gradient(step(15), np.zeros((20, 30))) == pytest.approx(expected)


def test_the_gradient_has_no_direction() -> None:
    assert gradient(1 - ramp(), ramp()) == pytest.approx(0, abs=1e-12)
    assert gradient(step(16).T, step(15).T) == pytest.approx(gradient(step(16), step(15)))


def block_and(at: tuple[int, int], value: float) -> Alpha:
    """A solid 4 x 4 block in the corner, and one more pixel."""
    alpha = np.zeros((10, 10))
    alpha[:4, :4] = 1
    alpha[at] = value
    return alpha


@pytest.mark.parametrize(
    ("at", "value", "true", "error"),
    [
        ((8, 8), 1, 0, 1),  # an island that is not there
        ((8, 8), 1, 1, 0),  # an island that both show
        ((8, 8), 0.9, 1, 0.1),  # the same, a little weaker: it hangs on nothing, so the whole of it counts
        ((4, 4), 0.9, 1, 0.1),  # corners do not connect
        ((4, 3), 0.9, 1, 0),  # sides do, and a tenth below theta is no distance
        ((1, 1), 0.5, 1, 0.5),  # connected up to one half, so half of the truth is not
        ((1, 1), 0.59, 1, 0.5),  # levels go by tenths, and .09 above the level is no distance
        ((1, 1), 0.2, 0.4, 0.2),
    ],
)
def test_connectivity_of_one_pixel(at: tuple[int, int], value: float, true: float, error: float) -> None:
    assert connectivity(block_and(at, value), block_and(at, true)) * 1000 == pytest.approx(error)


def test_what_shares_nothing_is_connected_nowhere() -> None:
    assert connectivity(np.zeros((10, 10)), np.ones((10, 10))) == pytest.approx(0.1)
