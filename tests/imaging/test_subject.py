"""What counts as nothing, by the alpha alone and by the model that ships."""

from pathlib import Path

import cv2
import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import pytest
from skimage import data

from imaging.model_input import to_model_input
from imaging.picture import Picture, Pixels
from tests.imaging.samples import opaque, scene
from tests.imaging.steps import has_subject

SIDE = 384
WEIGHTS = Path(__file__).parents[2] / "models/weights"
PICTURE = opaque(scene(200, 150))


def spot(size: int, level: int = 255) -> Pixels:
    """uint8 alpha [384,384] with a square in its middle."""
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[100 : 100 + size, 100 : 100 + size] = level
    return alpha


@pytest.mark.parametrize(
    ("size", "level", "found"), [(4, 255, True), (3, 255, False), (300, 199, False), (300, 200, True)]
)
def test_a_few_pixels_that_the_model_is_sure_of_are_something(size: int, level: int, found: bool) -> None:
    assert has_subject(PICTURE, spot(size, level)) == found


@pytest.mark.parametrize("level", [0, 6, 127])
def test_haze_is_nothing(level: int) -> None:
    assert not has_subject(PICTURE, np.full((SIDE, SIDE), level, np.uint8))


@pytest.mark.parametrize(("own", "found"), [(0, False), (1, True), (128, True)])
def test_what_the_upload_itself_hides_does_not_count(own: int, found: bool) -> None:
    rgba = np.dstack([scene(200, 150), np.full((150, 200), own, np.uint8)])
    assert has_subject(Picture(np.ascontiguousarray(rgba), has_alpha=True), spot(100)) == found


def test_a_subject_beside_what_is_hidden_counts() -> None:
    alpha = np.full((150, 200), 255, np.uint8)
    alpha[30:80, 40:100] = 0  # a hole: at the border it would be a cut-out's background
    rgba = np.ascontiguousarray(np.dstack([scene(200, 150), alpha]))
    assert not has_subject(Picture(rgba, has_alpha=True), spot(80))
    assert has_subject(Picture(rgba, has_alpha=True), np.roll(spot(80), 150, axis=1))


def _even(level: int) -> Pixels:
    return np.full((300, 400, 3), level, np.uint8)


def _noise(spread: float) -> Pixels:
    return np.clip(np.random.default_rng(0).normal(128, spread, (300, 400, 3)), 0, 255).astype(np.uint8)


BLANK = {
    "white": _even(255),
    "black": _even(0),
    "grey": _even(128),
    "one pixel": _even(90)[:1, :1],
    "grain": _noise(8),
    "noise": _noise(60),
    "coarse noise": _noise(20),
    "clouds": cv2.resize(np.random.default_rng(0).integers(60, 200, (8, 8, 3), np.uint8), (400, 300)),
    "vignette": np.dstack([np.clip(230 - np.hypot(*(np.mgrid[:300, :400] - 170)) / 2, 0, 255)] * 3).astype(np.uint8),
}
SUBJECTS = {"a person": data.astronaut(), "a cup": data.coffee(), "a cat": data.chelsea(), "a rocket": data.rocket()}


@pytest.fixture(scope="module", params=["clearcanvas-matte-6", "clearcanvas-matte-6-int8"])
def session(request: pytest.FixtureRequest) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(WEIGHTS / f"{request.param}.onnx", options)


def _finds(session: onnxruntime.InferenceSession, image: Pixels) -> bool:
    picture = opaque(np.asarray(image, np.uint8))
    return has_subject(picture, session.run(None, {"image": to_model_input(picture, SIDE)[None]})[0][0])


@pytest.mark.parametrize("image", BLANK.values(), ids=BLANK)
def test_our_model_finds_nothing_on_empty_pages(session: onnxruntime.InferenceSession, image: Pixels) -> None:
    assert not _finds(session, image)


@pytest.mark.parametrize("image", SUBJECTS.values(), ids=SUBJECTS)
def test_our_model_finds_real_subjects(session: onnxruntime.InferenceSession, image: Pixels) -> None:
    assert _finds(session, image)
