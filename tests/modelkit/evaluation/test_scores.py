import math
from dataclasses import replace

import numpy as np
import pytest

from modelkit.evaluation.scores import ERRORS, MEASURES, Scores, mean, score
from tests.modelkit.evaluation.scenes import disc

HARD = disc(30)
SOFT = np.where(HARD > 0, disc(20) // 2 + 120, 0).astype(np.uint8)


def values(scores: Scores, names: tuple[str, ...]) -> list[float]:
    return [getattr(scores, name) for name in names if not math.isnan(getattr(scores, name))]


LIKENESS = tuple(name for name in MEASURES if name not in ERRORS)


def test_a_perfect_matte_has_no_error_and_full_likeness() -> None:
    scores = score(HARD, HARD)
    assert values(scores, ERRORS) == [0] * 6
    assert values(scores, LIKENESS) == pytest.approx([1] * 4)


def test_a_perfect_soft_matte_has_no_error() -> None:
    assert [each for each in values(score(SOFT, SOFT), ERRORS) if each] == [score(SOFT, SOFT).haze]


def test_an_inverted_matte_is_worst() -> None:
    scores = score(255 - HARD, HARD)
    assert (scores.mae, scores.mse, scores.iou, scores.boundary_iou) == (1, 1, 0, 0)
    assert scores.weighted_f == pytest.approx(0, abs=0.02)
    assert scores.s_measure < 0.1


def test_every_measure_gets_worse_with_the_shift() -> None:
    near, far = score(disc(30, across=51), HARD), score(disc(30, across=60), HARD)
    assert all(0 < getattr(near, name) < getattr(far, name) for name in ERRORS if name not in ("soft_mse", "haze"))
    assert all(1 > getattr(near, name) > getattr(far, name) > 0 for name in LIKENESS)


def test_a_pale_matte_is_judged_as_it_is_and_not_stretched_to_full_opacity() -> None:
    """Two thirds within, nothing without: precision 1, recall 2/3."""
    pale = (HARD // 3 * 2).astype(np.uint8)
    assert score(pale, HARD).iou == 1
    assert score(pale, HARD).weighted_f == pytest.approx(0.8)
    assert score(pale, HARD).s_measure < 0.95


@pytest.mark.parametrize(("true", "expected"), [(255, 0.4), (0, 0.6)])
def test_the_s_measure_of_an_even_truth_is_the_mean_opacity_or_transparency(true: int, expected: float) -> None:
    truth = np.full((40, 40), true, np.uint8)
    assert score(np.full((40, 40), 102, np.uint8), truth).s_measure == pytest.approx(expected)


def test_an_empty_truth() -> None:
    nothing = np.zeros((40, 40), np.uint8)
    assert values(score(nothing, nothing), LIKENESS) == [1, 1, 1, 1]
    assert score(255 - nothing, nothing).weighted_f == 0


def test_one_half_is_foreground() -> None:
    assert score(np.full((9, 9), 128, np.uint8), np.full((9, 9), 255, np.uint8)).iou == 1
    assert score(np.full((9, 9), 127, np.uint8), np.full((9, 9), 255, np.uint8)).iou == 0


def test_the_mean_leaves_out_what_a_picture_does_not_have() -> None:
    hard = score(255 - HARD, HARD)
    soft = replace(hard, mae=0.5, soft_mse=0.25)
    assert mean([hard, soft]).mae == 0.75
    assert mean([hard, soft]).soft_mse == 0.25
    assert math.isnan(mean([hard, hard]).soft_mse)
