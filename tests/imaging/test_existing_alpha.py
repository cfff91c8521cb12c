"""Uploads that are cut-outs already."""

import numpy as np
import pytest

from imaging.existing_alpha import is_cut_out
from imaging.picture import Picture, Pixels
from tests.imaging.samples import opaque, scene
from tests.imaging.steps import compose, has_subject

NOTHING, HALF = np.zeros((96, 96), np.uint8), np.full((96, 96), 128, np.uint8)


def upload(*transparent: tuple[slice, slice]) -> Picture:
    """200 x 100 pixels, opaque but for these places; what is transparent has a colour."""
    rgba = scene(200, 100, channels=4)
    rgba[..., 3] = 255
    for place in transparent:
        rgba[place][..., 3] = 0
    return Picture(rgba, has_alpha=True)


ALL = slice(None)


@pytest.mark.parametrize(
    ("transparent", "expected"),
    [
        ([(ALL, slice(10))], True),  # a twentieth, at the left edge
        ([(ALL, slice(9))], False),
        ([(slice(20, 80), slice(20, 60))], False),  # a hole
        ([(ALL, slice(195, 200)), (slice(20, 80), slice(20, 60))], True),
        ([(slice(90, 100), ALL)], True),
        ([], False),
    ],
)
def test_a_cut_out_is_wholly_transparent_at_its_border(
    transparent: list[tuple[slice, slice]], *, expected: bool
) -> None:
    assert is_cut_out(upload(*transparent)) is expected


def test_nearly_transparent_is_not_transparent() -> None:
    picture = upload((ALL, slice(100)))
    picture.rgba[..., 3] = np.maximum(picture.rgba[..., 3], 1)
    assert not is_cut_out(picture)
    assert not is_cut_out(opaque(scene(20, 20)))


@pytest.mark.parametrize("alpha", [NOTHING, HALF])
def test_it_keeps_its_alpha_and_colours_whatever_the_model_says(alpha: Pixels) -> None:
    picture = upload((ALL, slice(100)))
    picture.rgba[40:60, 120:140, 3] = 77
    before = picture.rgba.copy()
    cut = compose(picture, alpha)
    visible = before[..., 3] > 0
    assert np.array_equal(cut[visible], before[visible])
    assert not cut[~visible].any()  # no colour is left under what is transparent


def test_what_is_visible_in_it_is_its_subject() -> None:
    assert has_subject(upload((ALL, slice(100))), NOTHING)
    assert not has_subject(upload((ALL, ALL)), HALF)


def test_another_upload_with_alpha_is_cut_out_by_the_model() -> None:
    picture = upload((slice(20, 80), slice(20, 60)))
    assert compose(picture, np.full((96, 96), 128, np.uint8))[..., 3].max() < 255
    assert not has_subject(upload((slice(20, 80), slice(20, 60))), NOTHING)
