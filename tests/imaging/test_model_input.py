import cv2
import numpy as np
import pytest

from imaging.model_input import MID_GREY, shrink, to_image_size, to_model_input
from imaging.picture import Picture
from tests.imaging.samples import opaque, scene

SIZES = [(60, 40), (384, 384), (385, 767), (768, 768), (1601, 1203), (4000, 3000), (9999, 33), (33, 9999), (1, 1)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_whole_picture_is_stretched_to_the_square(width: int, height: int) -> None:
    """Compared with the exact area average, which is slower, and with linear interpolation where a side grows."""
    image = scene(width, height)
    fitted = to_model_input(opaque(image), 384)
    shrunk = cv2.resize(image, (min(width, 384), min(height, 384)), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(shrunk, (384, 384), interpolation=cv2.INTER_LINEAR)
    assert fitted.shape == (384, 384, 3)
    assert fitted.dtype == np.uint8
    assert np.abs(fitted.astype(int) - expected).mean() < 1.5


def test_fine_patterns_do_not_alias() -> None:
    """Lines of one pixel become grey, not broad stripes."""
    lines = np.zeros((3072, 3072, 3), np.uint8)
    lines[:, ::2] = 255
    assert np.abs(to_model_input(opaque(lines), 384).astype(int) - 128).max() <= 1


def test_a_size_between_is_averaged_too() -> None:
    """767 of 768: linear interpolation would see every second column and leave stripes."""
    lines = np.zeros((40, 767, 3), np.uint8)
    lines[:, ::2] = 255
    fitted = to_model_input(opaque(lines), 384)  # the height grows meanwhile
    assert np.abs(fitted.astype(int) - 128).max() <= 2


def test_transparent_parts_are_mid_grey_whatever_colour_hides_there() -> None:
    rgba = np.dstack([scene(800, 600), np.zeros((600, 800), np.uint8)])
    assert (to_model_input(Picture(np.ascontiguousarray(rgba), has_alpha=True), 100) == MID_GREY).all()


def test_half_transparent_parts_are_half_grey() -> None:
    rgba = np.full((50, 50, 4), 200, np.uint8)
    rgba[..., 3] = 51
    fitted = to_model_input(Picture(rgba, has_alpha=True), 50)
    assert (fitted == round(200 * 0.2 + MID_GREY * 0.8)).all()


def test_an_opaque_picture_with_alpha_is_seen_as_one_without() -> None:
    image = opaque(scene(500, 400))
    assert np.array_equal(to_model_input(Picture(image.rgba, has_alpha=True), 128), to_model_input(image, 128))


def test_each_axis_is_shrunk_on_its_own() -> None:
    assert shrink(opaque(scene(640, 48)), 80, 48).shape == (48, 80, 3)


def test_alpha_comes_back_at_the_size_of_the_picture() -> None:
    alpha = scene(384, 384, channels=1)[..., 0]
    back = to_image_size(alpha, 1000, 700)
    assert back.shape == (700, 1000)
    assert back.dtype == np.uint8
    again = cv2.resize(back, (384, 384), interpolation=cv2.INTER_AREA)
    assert np.abs(again.astype(int) - alpha).mean() < 1


def test_cubic_interpolation_does_not_wrap_around() -> None:
    """Overshoot at a hard edge is clipped to 0 and 255."""
    alpha = np.zeros((8, 8), np.uint8)
    alpha[:, 4:] = 255
    back = to_image_size(alpha, 64, 64).astype(int)
    assert (back[:, :20] == 0).all()
    assert (back[:, 44:] == 255).all()
