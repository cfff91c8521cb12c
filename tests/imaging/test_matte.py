import cv2
import numpy as np
import pytest

from imaging.guided_filter import upsample
from imaging.levels import set_levels
from imaging.model_input import to_image_size
from imaging.picture import Picture, Pixels
from tests.imaging.samples import opaque, scene
from tests.imaging.steps import matte_of

SIDE = 96


def waves(width: int, height: int) -> Pixels:
    """uint8 [H,W]: true alpha of a shape whose edge is finer than the small alpha can show."""
    y, x = np.mgrid[:height, :width] - np.array([height / 2, width / 2])[:, None, None]
    edge = height * (0.3 + 0.012 * np.sin(40 * np.arctan2(y, x)))
    return np.asarray(np.rint(np.clip(edge - np.hypot(x, y) + 0.5, 0, 1) * 255), np.uint8)


def photograph(alpha: Pixels, *, grain: float = 0.0) -> Pixels:
    """uint8 [H,W,3]: red by this alpha on a ground of soft greens."""
    ground = scene(alpha.shape[1], alpha.shape[0]).astype(np.float32) * (0.1, 0.4, 0.1) + (0, 80, 0)
    opacity = alpha[..., None] / np.float32(255)
    image = opacity * (190, 40, 30) + (1 - opacity) * ground
    image += np.random.default_rng(0).normal(0, grain, image.shape)
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def small(alpha: Pixels) -> Pixels:
    """As a network would give it: small, and a little blurred."""
    shrunk = cv2.resize(alpha, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(shrunk, (0, 0), 1), np.uint8)


def error(matte: Pixels, truth: Pixels) -> float:
    return float(np.square(matte / 255 - truth / 255).mean())


@pytest.mark.parametrize(("width", "height"), [(640, 480), (2200, 900), (90, 70)])
@pytest.mark.parametrize("grain", [0, 4])
def test_edges_come_from_the_picture(width: int, height: int, grain: float) -> None:
    """At sizes of one band and of several, and below the alpha's own."""
    truth = waves(width, height)
    picture = opaque(photograph(truth, grain=grain))
    before = picture.rgba.copy()
    matte = matte_of(picture, small(truth))
    assert matte.shape == (height, width)
    assert matte.dtype == np.uint8
    assert error(matte, truth) < 0.6 * error(to_image_size(small(truth), width, height), truth)
    assert np.array_equal(picture.rgba, before)


def test_alpha_that_is_a_linear_function_of_all_three_colours_is_found() -> None:
    """Where He et al.'s model holds, detail that the small alpha never had comes out right; colours vary together."""
    noise = cv2.resize(np.random.default_rng(2).uniform(-1, 1, (SIDE, SIDE, 3)), (288, 288))
    mixed = noise @ np.array([[60, 30, -15], [0, 45, 20], [0, 0, 25]])
    image = np.asarray(np.rint(mixed + 128), np.uint8)
    truth = np.asarray(np.rint(mixed @ np.array([0.5, -0.8, 1.2]) + 128), np.uint8)
    alpha = np.asarray(cv2.resize(truth, (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    assert np.abs(matte_of(opaque(image), alpha).astype(int) - truth).mean() < 2


def test_where_colours_tell_nothing_alpha_stays_soft() -> None:
    """On one even colour there is no edge to find, and none is made."""
    truth = waves(640, 480)
    matte = matte_of(opaque(np.full((480, 640, 3), 90, np.uint8)), small(truth))
    assert error(matte, to_image_size(small(truth), 640, 480)) < 1e-4


def test_what_is_settled_stays_settled() -> None:
    truth = waves(640, 480)
    plain = to_image_size(set_levels(small(truth)), 640, 480)
    matte = matte_of(opaque(photograph(truth)), small(truth))
    settled = (plain < 10) | (plain > 245)
    assert np.array_equal(matte[settled], plain[settled])


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_alpha_stays_even(level: int) -> None:
    alpha = np.full((SIDE, SIDE), level, np.uint8)
    assert (matte_of(opaque(scene(300, 200)), alpha) == level).all()


def test_colours_hidden_under_full_transparency_do_not_matter() -> None:
    truth = waves(640, 480)
    rgba = np.dstack([photograph(truth), np.where(np.arange(640) < 320, 255, 0)[None].repeat(480, 0).astype(np.uint8)])
    other = rgba.copy()
    other[:, 320:, :3] = scene(320, 480, seed=5)
    first, second = (
        matte_of(Picture(np.ascontiguousarray(each), has_alpha=True), small(truth)) for each in (rgba, other)
    )
    assert np.array_equal(first, second)


def test_a_speck_does_not_come_out() -> None:
    alpha = small(waves(640, 480))
    alpha[4:6, 4:6] = 255
    assert not matte_of(opaque(scene(640, 480)), alpha)[:60, :60].any()


def test_a_faint_haze_does_not_come_out() -> None:
    """Nor does what is all but solid stay see-through."""
    truth = waves(640, 480)
    plain = small(truth)
    hazy = np.clip(plain, 5, 250)
    picture = opaque(photograph(truth))
    assert np.array_equal(matte_of(picture, hazy), matte_of(picture, plain))


@pytest.mark.parametrize("place", [(0, 0), (40, 30), (80, 80)])
def test_a_small_subject_is_guided_like_a_large_one(place: tuple[int, int]) -> None:
    """Functions are found around what is soft only, also at the picture's rim; that must not show."""
    x, y = place
    spot = np.zeros((SIDE, SIDE), np.uint8)
    spot[y : y + 16, x : x + 16] = cv2.resize(small(waves(96, 96)), (16, 16))
    beside = spot.copy()
    beside[-2:, :2] = 128 if place != (0, 0) else 0
    beside[:2, -2:] = 128
    picture = opaque(scene(480, 480))
    inner = slice(5 * y, 5 * y + 60), slice(5 * x, 5 * x + 60)
    alone, together = (upsample(picture, alpha)[inner].astype(int) for alpha in (spot, beside))
    assert np.abs(alone - together).max() <= 1
