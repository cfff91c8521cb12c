"""Very light pictures are darkened for the model, others are not."""

import numpy as np
import pytest

from imaging.high_key import darken_high_key
from imaging.picture import Pixels


def page(ground: int, subject: int, share: float = 0.25) -> Pixels:
    """uint8 [100,100,3]: a square of one level on a ground of another."""
    image = np.full((100, 100, 3), ground, np.uint8)
    image[: int(100 * share)] = subject
    return image


def test_white_on_white_is_drawn_apart() -> None:
    shown = darken_high_key(page(250, 240))
    taken = 0.8 * 240
    assert shown[0, 0, 0] == round((240 - taken) * 255 / (255 - taken))
    assert int(shown[-1, 0, 0]) - int(shown[0, 0, 0]) == pytest.approx(10 * 255 / (255 - taken), abs=1)


def test_white_stays_white_and_what_is_darker_than_the_dark_end_stays_above_or_at_black() -> None:
    shown = darken_high_key(page(255, 20, share=0.05))
    assert shown[-1, 0, 0] == 255
    assert shown[0, 0, 0] == 0


@pytest.mark.parametrize(("dark_end", "changed"), [(75, False), (76, True)])
def test_pictures_with_a_dark_end_stay_as_they_are(dark_end: int, changed: bool) -> None:
    image = page(250, dark_end)
    assert np.array_equal(darken_high_key(image), image) is not changed


def test_a_few_dark_pixels_do_not_make_a_picture_dark() -> None:
    assert not np.array_equal(darken_high_key(page(250, 0, share=0.09)), page(250, 0, share=0.09))
    assert np.array_equal(darken_high_key(page(250, 0, share=0.11)), page(250, 0, share=0.11))


def test_the_picture_itself_is_not_changed() -> None:
    image = page(250, 240)
    before = image.copy()
    darken_high_key(image)
    assert np.array_equal(image, before)
