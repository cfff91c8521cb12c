import numpy as np
import pytest

from imaging import Picture, Pixels
from modelkit.evaluation.scores import score
from modelkit.evaluation.variants import SERVICE, WAYS
from tests.fakes.backends import DiscFinder
from tests.imaging.samples import opaque
from tests.imaging.steps import compose
from tests.modelkit.evaluation.scenes import disc, picture

SIDE = 64


def infer(image: Pixels) -> Pixels:
    return np.asarray(DiscFinder().infer(image[None])[0], np.uint8)


def wide() -> tuple[Picture, Pixels]:
    """Twice as wide as high, and its true alpha: a disc right of the middle."""
    truth = np.hstack([np.zeros((96, 96), np.uint8), disc(30)])
    return opaque(picture(truth)), truth


@pytest.mark.parametrize("name", WAYS)
def test_every_way_brings_the_alpha_back_to_where_it_was(name: str) -> None:
    shown, truth = wide()
    before = shown.rgba.copy()
    matte = WAYS[name](infer, shown, SIDE)
    assert matte.shape == truth.shape
    assert score(matte, truth).iou > 0.9
    assert np.array_equal(shown.rgba, before)


def test_the_services_way_is_what_the_service_delivers() -> None:
    shown, _ = wide()
    matte = WAYS[SERVICE](infer, shown, SIDE)
    seen: list[Pixels] = []

    def watched(image: Pixels) -> Pixels:
        seen.append(infer(image))
        return seen[0]

    WAYS[SERVICE](watched, shown, SIDE)
    assert np.array_equal(compose(shown, seen[0])[..., 3], matte)


def grey(value: int) -> Picture:
    return opaque(np.full((SIDE, SIDE, 3), value, np.uint8))


def test_small_holes_are_filled_large_ones_and_open_ones_stay() -> None:
    alpha = np.zeros((SIDE, SIDE), np.uint8)
    alpha[:48, 8:56] = 255
    alpha[20:23, 20:23] = 0  # 9 pixels of some 2,200
    alpha[30:42, 30:42] = 0
    alpha[:2, 40:42] = 0  # open to the picture's edge
    filled = WAYS["holes 5"](lambda _: alpha, grey(90), SIDE)
    assert filled[21, 21] == 255
    assert filled[35, 35] == 0
    assert WAYS["holes 100"](lambda _: alpha, grey(90), SIDE)[35, 35] == 255
    assert filled[0, 41] == 0


@pytest.mark.parametrize(
    ("way", "level", "expected"),
    [
        (SERVICE, 6, 0),
        (SERVICE, 128, 128),
        (SERVICE, 249, 255),
        ("no levels", 6, 6),
        ("no levels", 249, 249),
        ("strong levels", 14, 0),
        ("strong levels", 128, 128),
        ("strong levels", 241, 255),
    ],
)
def test_levels_lose_haze_and_keep_the_middle(way: str, level: int, expected: int) -> None:
    alpha = np.full((SIDE, SIDE), level, np.uint8)
    assert (WAYS[way](lambda _: alpha, grey(90), SIDE) == expected).all()


def test_a_letterbox_keeps_the_shape_and_fills_the_rest() -> None:
    squares: list[Pixels] = []

    def watched(image: Pixels) -> Pixels:
        squares.append(image)
        return infer(image)

    shown, _ = wide()
    WAYS["letterbox white"](watched, shown, SIDE)
    assert (squares[0][:16] == 255).all()
    assert (squares[0][48:] == 255).all()
    assert not (squares[0][16:48] == 255).all()
