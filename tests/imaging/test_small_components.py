import numpy as np

from imaging.picture import Pixels
from imaging.small_components import drop_small_components


def alpha_with(**squares: tuple[int, int, int]) -> Pixels:
    """uint8 [100,100]: squares given as place along the diagonal, side and level."""
    alpha = np.zeros((100, 100), np.uint8)
    for at, side, level in squares.values():
        alpha[at : at + side, at : at + side] = level
    return alpha


def test_what_weighs_next_to_nothing_beside_the_subject_is_dropped() -> None:
    assert np.array_equal(
        drop_small_components(alpha_with(subject=(10, 50, 255), speck=(80, 4, 255))), alpha_with(subject=(10, 50, 255))
    )


def test_a_second_thing_of_some_size_stays() -> None:
    alpha = alpha_with(subject=(10, 50, 255), ball=(80, 6, 255))
    assert np.array_equal(drop_small_components(alpha), alpha)


def test_small_things_among_their_like_stay() -> None:
    """Nothing is a speck for its size alone: a picture of stars keeps them."""
    alpha = alpha_with(one=(10, 2, 90), two=(40, 2, 120), three=(80, 2, 60))
    assert np.array_equal(drop_small_components(alpha), alpha)


def test_it_is_the_sum_of_alpha_that_weighs() -> None:
    """The same area once faint, once solid."""
    subject = (10, 50, 255)
    assert not drop_small_components(alpha_with(subject=subject, veil=(80, 8, 60)))[80, 80]
    assert drop_small_components(alpha_with(subject=subject, ball=(80, 8, 255)))[80, 80] == 255


def test_what_hangs_on_the_subject_by_a_corner_is_part_of_it() -> None:
    alpha = alpha_with(subject=(10, 50, 255), strand=(60, 3, 20))
    assert np.array_equal(drop_small_components(alpha), alpha)


def test_an_empty_and_a_full_alpha_stay_as_they_are() -> None:
    for level in (0, 5, 255):
        alpha = np.full((32, 32), level, np.uint8)
        assert np.array_equal(drop_small_components(alpha), alpha)


def test_the_models_alpha_is_left_alone() -> None:
    alpha = alpha_with(subject=(10, 50, 255), speck=(80, 4, 255))
    before = alpha.copy()
    drop_small_components(alpha)
    assert np.array_equal(alpha, before)
