"""Coverage, and colour that flows under low alpha."""

import numpy as np
import pytest
from numpy.typing import NDArray

from training.render.matte import coverage, fits, joined, soft


def square(side: int = 64, inside: tuple[int, int, int] = (200, 40, 90)) -> NDArray[np.uint8]:
    """A solid square on nothing, as a colour pass gives it: black where there is not an alpha matte."""
    pixels = np.zeros((side, side, 4), np.uint8)
    pixels[16:48, 16:48] = (*inside, 255)
    return pixels


@pytest.mark.parametrize(
    ("share", "usable"), [(0.0, False), (0.029, False), (0.03, True), (0.85, True), (0.86, False), (1.0, False)]
)
def test_specks_and_full_frames_are_no_use(share: float, usable: bool) -> None:
    assert fits(share) is usable


def test_coverage_is_mean_alpha() -> None:
    assert coverage(square()[..., 3]) == 0.25
    assert coverage(np.full((4, 4), 51, np.uint8)) == pytest.approx(0.2)


def test_soft_counts_what_is_neither_clear_nor_solid() -> None:
    alpha = np.array([[0, 8, 9, 128], [246, 247, 255, 255]], np.uint8)
    assert soft(alpha) == 3 / 8


def test_alpha_is_taken_as_it_is() -> None:
    alpha = np.arange(64 * 64, dtype=np.uint32).reshape(64, 64).astype(np.uint8)
    assert (joined(square(), alpha)[..., 3] == alpha).all()


def test_colour_of_the_thing_stays() -> None:
    made = joined(square(), square()[..., 3])
    assert (made[16:48, 16:48, :3] == (200, 40, 90)).all()


def test_colour_flows_outwards_where_there_is_none() -> None:
    made = joined(square(), square()[..., 3])
    near = made[12:16, 20:44, :3].astype(int)  # up to four pixels outside
    assert np.abs(near - (200, 40, 90)).max() <= 12


def test_noise_under_low_alpha_gives_way() -> None:
    pixels = square()
    pixels[10:16, 16:48] = (0, 255, 0, 5)  # a colour that two samples brought
    made = joined(pixels, pixels[..., 3])
    assert np.abs(made[13:16, 20:44, :3].astype(int) - (200, 40, 90)).max() < 60  # 215 is the noise itself
