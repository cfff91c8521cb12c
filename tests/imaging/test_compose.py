import numpy as np
import pytest

from imaging.model_input import to_image_size, to_model_input
from imaging.picture import Picture, Pixels
from tests.imaging.samples import opaque, scene
from tests.imaging.steps import compose, matte_of


def _disc(size: int = 96, softness: float = 0.2) -> Pixels:
    y, x = np.mgrid[:size, :size] / size - 0.5
    return np.asarray(np.clip((0.3 - np.hypot(x, y)) / softness + 0.5, 0, 1) * 255, np.uint8)


def test_alpha_is_the_models_at_full_size() -> None:
    expected = matte_of(opaque(scene(700, 500)), _disc())
    assert np.array_equal(compose(opaque(scene(700, 500)), _disc())[..., 3], expected)


def test_colour_is_gone_where_nothing_is_left() -> None:
    """What was cut off must not be found in the file."""
    rgba = compose(opaque(np.maximum(scene(700, 500), 1)), _disc())
    gone = rgba[..., 3] == 0
    assert gone.any()
    assert not rgba[gone].any()


def test_opaque_colour_is_untouched() -> None:
    image = scene(700, 500)
    rgba = compose(opaque(image), _disc())
    kept = rgba[..., 3] == 255
    assert kept.any()
    assert np.array_equal(rgba[kept][:, :3], image[kept])


@pytest.mark.parametrize(("width", "height"), [(300, 200), (1600, 1200), (2048, 128)])
def test_the_old_background_is_taken_out_of_soft_pixels(width: int, height: int) -> None:
    """A red disc on green: no green is left at the edge, at sizes below and above that of the estimate."""
    matte = to_image_size(_disc(), width, height)[..., None] / 255
    image = np.rint(matte * (200, 30, 30) + (1 - matte) * (30, 200, 30)).astype(np.uint8)
    rgba = compose(opaque(image), _disc())
    soft = (rgba[..., 3] > 60) & (rgba[..., 3] < 255)
    assert image[soft][:, 1].mean() > 70
    assert np.abs(rgba[soft][:, :3].astype(int) - (200, 30, 30)).mean() < 5


def test_own_alpha_is_multiplied_and_its_colour_kept() -> None:
    image = scene(200, 150, channels=4)
    expected = image[..., 3].copy()
    colour = image[..., :3].copy()
    rgba = compose(Picture(image.copy(), has_alpha=True), np.full((96, 96), 255, np.uint8))
    assert np.array_equal(rgba[..., 3], expected)
    assert np.array_equal(rgba[expected > 0][:, :3], colour[expected > 0])


def test_half_of_half_is_a_quarter() -> None:
    rgba = compose(Picture(np.full((20, 20, 4), 128, np.uint8), has_alpha=True), np.full((96, 96), 128, np.uint8))
    assert (rgba[..., 3] == 64).all()


@pytest.mark.parametrize("opacity", [0, 255])
def test_everything_or_nothing_can_be_cut_out(opacity: int) -> None:
    image = scene(90, 70)
    rgba = compose(opaque(image), np.full((96, 96), opacity, np.uint8))
    assert np.array_equal(rgba[..., :3], image if opacity else np.zeros_like(image))


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 900), (3000, 2)])
def test_a_picture_may_be_a_line(width: int, height: int) -> None:
    assert compose(opaque(scene(width, height)), _disc()).shape == (height, width, 4)


def test_the_picture_itself_becomes_the_cut_out() -> None:
    """No second buffer of the full size is made."""
    picture = opaque(scene(90, 70))
    assert compose(picture, _disc()) is picture.rgba


@pytest.mark.parametrize(("width", "height"), [(700, 500), (300, 900), (60, 40)])
def test_what_the_model_saw_need_not_be_made_anew(width: int, height: int) -> None:
    """Alpha is the same, and colours are but for rounding, with the model's own picture at hand and without."""
    image, alpha = scene(width, height), _disc(384)
    alone = compose(opaque(image), alpha).astype(int)
    at_hand = compose(opaque(image), alpha, to_model_input(opaque(image), 384))
    assert np.array_equal(at_hand[..., 3], alone[..., 3])
    assert np.abs(at_hand - alone)[alone[..., 3] > 60].mean() < 0.1


def test_a_picture_seen_at_another_size_is_not_used() -> None:
    image, alpha = scene(200, 150), _disc(96)
    assert np.array_equal(
        compose(opaque(image), alpha, to_model_input(opaque(image), 64)), compose(opaque(image), alpha)
    )
