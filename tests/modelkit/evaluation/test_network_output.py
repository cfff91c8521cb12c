import math

import numpy as np
import pytest
from numpy.typing import DTypeLike

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.network_output import guess_values, to_alpha
from modelkit.evaluation.options import Values


@pytest.mark.parametrize(
    ("values", "dtype", "guess"),
    [
        ([0, 255], np.uint8, "bytes"),
        ([0, 15], np.int64, "labels"),
        ([0.01, 0.99], np.float32, "probabilities"),
        ([-4, 5], np.float32, "logits"),
        ([-4, -1], np.float16, "logits"),
        ([-1e-6, 1], np.float32, "probabilities"),
    ],
)
def test_what_an_output_holds_shows_in_type_and_range(values: list[float], dtype: DTypeLike, guess: str) -> None:
    assert guess_values(np.array(values, dtype)) == guess


def test_what_may_be_logits_or_bytes_is_asked_for() -> None:
    with pytest.raises(EvaluationError, match="runs from 0 to 9: say values=logits"):
        guess_values(np.array([0, 9], np.float32))


def even(value: float, dtype: DTypeLike = np.float32) -> np.ndarray[tuple[int, int], np.dtype[np.generic]]:
    return np.full((4, 4), value, dtype)


@pytest.mark.parametrize(
    ("value", "values", "alpha"),
    [
        (0.2, "probabilities", 51),
        (1.0001, "probabilities", 255),
        (math.log(4), "logits", 204),
        (-200, "logits", 0),
        (51.4, "bytes", 51),
        (300, "bytes", 255),
        (3, "labels", 255),
        (0, "labels", 0),
    ],
)
def test_one_channel(value: float, values: Values, alpha: int) -> None:
    for output in (even(value), even(value)[None, None], even(value)[None, :, :, None]):
        matte = to_alpha(output, values)
        assert matte.dtype == np.uint8
        assert (matte == np.full((4, 4), alpha)).all()


@pytest.mark.parametrize("axis", [0, 2])
def test_of_classes_the_first_is_the_background(axis: int) -> None:
    logits = np.stack([even(0), even(math.log(2)), even(math.log(2))], axis=axis)[None]
    assert (to_alpha(logits, "logits") == 204).all()
    chances = np.stack([even(0.6), even(0.4)], axis=axis)[None]
    assert (to_alpha(chances, "probabilities") == 102).all()


def test_an_output_that_is_no_square_matte_is_refused() -> None:
    with pytest.raises(EvaluationError, match=r"shape \[1, 1, 4, 5\] is not a square matte"):
        to_alpha(np.zeros((1, 1, 4, 5), np.float32), "logits")
    with pytest.raises(EvaluationError, match="has 2 channels"):
        to_alpha(np.zeros((1, 2, 4, 4), np.float32), "bytes")
