"""Close-ups: where they are, what the model is shown, and what they change."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging import CloseUp, Picture, Pixels, close_up_input, close_ups, merge_close_ups

S = 96


def picture(width: int = 300, height: int = 200, *, has_alpha: bool = False) -> Picture:
    """Each pixel tells where it is: red from left to right, green from top to bottom."""
    rgba = np.full((height, width, 4), 255, np.uint8)
    rgba[..., 0] = np.linspace(0, 255, width).astype(np.uint8)
    rgba[..., 1] = np.linspace(0, 255, height).astype(np.uint8)[:, None]
    return Picture(rgba, has_alpha)


def block(left: int, top: int, right: int, bottom: int, level: int = 255) -> Pixels:
    alpha = np.zeros((S, S), np.uint8)
    alpha[top:bottom, left:right] = level
    return alpha


def test_a_small_subject_gets_a_close_up_with_a_margin_around_it() -> None:
    (part,) = close_ups(picture(), block(30, 40, 50, 60))
    assert (part.left, part.top, part.right, part.bottom) == (27, 37, 53, 63)


def test_the_margin_ends_at_the_picture() -> None:
    (part,) = close_ups(picture(), block(0, 40, 50, S))
    assert (part.left, part.right, part.bottom) == (0, 58, S)


@pytest.mark.parametrize(
    "alpha", [block(0, 0, 0, 0), block(4, 4, 92, 92), block(30, 40, 50, 60, level=90)], ids=["none", "large", "faint"]
)
def test_nothing_is_seen_again_without_a_subject_or_when_it_fills_the_picture(alpha: Pixels) -> None:
    assert close_ups(picture(), alpha) == ()


def test_a_speck_does_not_enlarge_the_close_up() -> None:
    alpha = block(30, 40, 50, 60)
    alpha[2, 2] = 255
    assert close_ups(picture(), alpha) == close_ups(picture(), block(30, 40, 50, 60))


@pytest.mark.parametrize(("width", "height", "count"), [(500, 200, 4), (200, 500, 4), (1000, 200, 8), (9000, 10, 8)])
def test_an_elongated_picture_with_haze_is_seen_in_parts_that_cover_it_evenly(
    width: int, height: int, count: int
) -> None:
    alpha = block(0, 0, S, S, level=120)
    parts = close_ups(picture(width, height), alpha)
    assert len(parts) == count
    ones = [(part, np.full((S, S), 255, np.uint8)) for part in parts]
    assert merge_close_ups(alpha, ones).min() >= 254, "the parts alone decide, everywhere"
    along = max(part.right - part.left if width > height else part.bottom - part.top for part in parts)
    if count < 8:
        assert along * max(width, height) / S == pytest.approx(min(width, height), rel=0.25), "nearly square"


def test_an_elongated_picture_without_haze_is_not_seen_in_parts() -> None:
    assert close_ups(picture(1000, 200), block(0, 0, S, S)) == ()
    assert len(close_ups(picture(1000, 200), block(40, 10, 60, 80))) == 1


def test_the_model_is_shown_that_part_of_the_picture() -> None:
    shown = close_up_input(picture(), CloseUp(24, 48, 72, 96, 0.5, 0.1), 64, S)
    assert shown.shape == (64, 64, 3)
    assert [int(each) for each in shown[0, 0, :2]] == pytest.approx([64, 128], abs=5)
    assert [int(each) for each in shown[-1, -1, :2]] == pytest.approx([191, 255], abs=5)


def test_a_part_of_a_transparent_upload_is_shown_on_grey() -> None:
    see_through = picture(has_alpha=True)
    see_through.rgba[..., 3] = 0
    assert np.unique(close_up_input(see_through, CloseUp(24, 48, 72, 96, 0.5, 0.1), 64, S)).tolist() == [128]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (1, 5000), (3, 2)])
def test_a_part_of_a_tiny_picture_has_at_least_a_pixel(width: int, height: int) -> None:
    assert close_up_input(picture(width, height), CloseUp(40, 90, 41, 91, 0.5, 0.1), 64, S).shape == (64, 64, 3)


def test_no_close_up_changes_nothing() -> None:
    alpha = block(1, 2, 3, 4, level=77)
    assert merge_close_ups(alpha, []) is alpha


def test_what_is_outside_of_a_close_up_stays() -> None:
    rng = np.random.default_rng(1)
    alpha = rng.integers(0, 256, (S, S), np.uint8)
    part = CloseUp(20, 30, 60, 70, 0.5, 0.1)
    merged = merge_close_ups(alpha, [(part, np.zeros((S, S), np.uint8))])
    outside = np.ones((S, S), bool)
    outside[30:70, 20:60] = False
    assert np.array_equal(merged[outside], alpha[outside])
    assert merged[40:60, 30:50].mean() < alpha[40:60, 30:50].mean() / 2


def test_who_is_sure_outweighs_who_is_not() -> None:
    part = CloseUp(20, 20, 80, 80, 0.5, 0.01)
    for first, second in ((250, 128), (128, 250)):
        seen = [(part, np.full((S, S), second, np.uint8))]
        assert merge_close_ups(np.full((S, S), first, np.uint8), seen)[50, 50] > 225
    seen = [(part, np.full((S, S), 5, np.uint8))]
    assert merge_close_ups(np.full((S, S), 250, np.uint8), seen)[50, 50] == pytest.approx(127.5, abs=1)


def test_two_that_agree_agree() -> None:
    """A close-up that gives what the whole picture gave leaves every level as it was, to one of rounding."""
    alpha = np.tile(np.linspace(0, 255, S).astype(np.uint8), (S, 1))
    part = CloseUp(0, 0, S, S, 0.5, 0.1)
    assert np.abs(merge_close_ups(alpha, [(part, alpha)]).astype(int) - alpha).max() <= 1


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 10_000), st.sampled_from([16, 64, 96]), st.booleans())
def test_any_picture_and_any_alpha_can_be_merged(width: int, height: int, seed: int, size: int, even: bool) -> None:
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 4), np.uint8)
    alpha = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_NEAREST if even else cv2.INTER_CUBIC)
    shape = np.broadcast_to(np.uint8(200), (height, width, 4))
    shown = Picture(shape, has_alpha=False)
    parts = close_ups(shown, np.asarray(alpha, np.uint8))
    seen = [(part, rng.integers(0, 256, (size, size), np.uint8)) for part in parts]
    for part, _ in seen:
        assert close_up_input(shown, part, size, size).shape == (size, size, 3)
    merged = merge_close_ups(np.asarray(alpha, np.uint8), seen)
    assert merged.shape == (size, size)
    assert merged.dtype == np.uint8
