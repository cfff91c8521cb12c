import numpy as np
import pytest
from numpy.typing import NDArray

from imaging.box import Box, subject_box
from imaging.finishing import finish
from imaging.formats import ImageFormat
from imaging.output import Channels, Crop, Length, Output
from imaging.picture import Pixels
from tests.imaging.samples import scene

WIDTH, HEIGHT = 60, 40
SUBJECT = Box(left=20, top=10, width=12, height=8)
GREEN = (0, 128, 0)


def cut_out(box: Box = SUBJECT, opacity: int = 255) -> Pixels:
    """A pattern that is visible inside a box alone; 0 in every channel outside, as `compose` leaves it."""
    rgba = np.zeros((HEIGHT, WIDTH, 4), np.uint8)
    inside = np.s_[box.top : box.top + box.height, box.left : box.left + box.width]
    rgba[inside] = scene(WIDTH, HEIGHT, 4)[inside]
    rgba[(*inside, 3)] = opacity
    return rgba


def part(rgba: Pixels, box: Box) -> Pixels:
    return rgba[box.top : box.top + box.height, box.left : box.left + box.width]


def seen(pixels: Pixels) -> NDArray[np.float64]:
    """What is seen on black."""
    opacity = pixels[..., 3:] / 255 if pixels.shape[2:] == (4,) else 1.0
    return np.asarray(pixels * opacity, np.float64)


def test_a_plain_output_is_the_cut_out_itself() -> None:
    rgba = cut_out()
    assert finish(rgba, Output()).pixels is rgba


@pytest.mark.parametrize("box", [SUBJECT, Box(0, 0, 1, 1), Box(59, 39, 1, 1), Box(0, 0, WIDTH, HEIGHT)])
def test_the_subject_is_found(box: Box) -> None:
    assert subject_box(cut_out(box)) == box


def test_haze_does_not_count_as_subject() -> None:
    rgba = cut_out()
    rgba[0, 0, 3] = rgba[-1, -1, 3] = 12
    assert subject_box(rgba) == SUBJECT


def test_where_nothing_is_seen_the_box_is_the_picture() -> None:
    assert subject_box(np.zeros((HEIGHT, WIDTH, 4), np.uint8)) == Box(0, 0, WIDTH, HEIGHT)


def test_a_subject_is_found_over_all_bands() -> None:
    rgba = np.zeros((3000, 2000, 4), np.uint8)
    rgba[7, 1990] = rgba[2995, 3] = 255
    assert subject_box(rgba) == Box(left=3, top=7, width=1988, height=2989)


@pytest.mark.parametrize("opacity", [0, 1, 100, 254, 255])
def test_a_ground_shows_through_as_much_as_alpha_lets_it(opacity: int) -> None:
    rgba = cut_out(opacity=opacity)
    share = rgba[..., 3:] / 255
    expected = rgba[..., :3] * share + np.asarray(GREEN) * (1 - share)
    pixels = finish(rgba, Output(background=GREEN)).pixels
    assert pixels.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(pixels - expected).max() <= 1


def test_the_matte_alone_is_the_alpha() -> None:
    rgba = cut_out(opacity=77)
    assert np.array_equal(finish(rgba, Output(channels=Channels.ALPHA)).pixels, rgba[..., 3])


def test_a_crop_is_the_subject_and_its_place_is_told() -> None:
    rgba = cut_out()
    finished = finish(rgba, Output(crop=Crop()))
    assert np.array_equal(finished.pixels, part(rgba, SUBJECT))
    assert finished.subject == SUBJECT


def test_each_margin_is_on_its_own_side() -> None:
    rgba = cut_out()
    finished = finish(rgba, Output(crop=Crop(Length(1), Length(2), Length(3), Length(4))))
    assert np.array_equal(finished.pixels, part(rgba, Box(16, 9, 12 + 6, 8 + 4)))


@pytest.mark.parametrize(
    ("output", "ground"),
    [
        (Output(), (0, 0, 0, 0)),
        (Output(background=GREEN), GREEN),
        (Output(channels=Channels.ALPHA), 0),
    ],
)
def test_margins_beyond_the_picture_are_ground(output: Output, ground: object) -> None:
    rgba = cut_out()
    crop = Crop(Length(30), Length(50), Length(40), Length(25))
    options = {name: getattr(output, name) for name in ("background", "channels")}
    pixels = finish(rgba, Output(crop=crop, **options)).pixels
    plain = finish(rgba, output).pixels
    assert pixels.shape[:2] == (8 + 30 + 40, 12 + 25 + 50)
    assert np.array_equal(pixels[20:60, 5:65], plain)
    outside = np.ones(pixels.shape[:2], bool)
    outside[20:60, 5:65] = False
    assert np.all(pixels[outside] == np.asarray(ground, np.uint8))


def test_margins_share_what_room_there_is_under_the_longest_side() -> None:
    rgba = np.full((2, 9000, 4), 255, np.uint8)
    finished = finish(rgba, Output(crop=Crop(left=Length(0.5, is_share=True), right=Length(500))))
    assert finished.pixels.shape[:2] == (2, 10_000)
    assert np.flatnonzero(finished.pixels[0, :, 3]).tolist() == list(range(900, 9900))


@pytest.mark.parametrize(
    "output",
    [
        Output(max_side=20),
        Output(max_side=20, background=GREEN),
        Output(max_side=20, channels=Channels.ALPHA),
        Output(ImageFormat.WEBP, max_pixels=300),
    ],
)
def test_a_result_is_shrunk_and_keeps_its_channels(output: Output) -> None:
    whole = finish(cut_out(), Output(channels=output.channels, background=output.background)).pixels
    pixels = finish(cut_out(), output).pixels
    assert pixels.shape == (*output.fitted(WIDTH, HEIGHT)[::-1], *whole.shape[2:])
    assert seen(pixels).mean() == pytest.approx(seen(whole).mean(), rel=0.15)


def test_shrinking_brings_no_foreign_colour_to_the_edge() -> None:
    """Colours are weighed by alpha: the black under what is transparent must not darken the edge."""
    rgba = cut_out(Box(7, 5, 31, 23))
    rgba[rgba[..., 3] > 0] = (250, 200, 150, 255)
    pixels = finish(rgba, Output(max_side=17)).pixels
    visible = pixels[pixels[..., 3] > 40]
    assert np.abs(visible[:, :3].astype(int) - (250, 200, 150)).max() <= 4
    assert not pixels[pixels[..., 3] == 0].any()


def test_the_longest_side_is_that_of_the_crop() -> None:
    pixels = finish(cut_out(), Output(crop=Crop(), max_side=6)).pixels
    assert pixels.shape == (4, 6, 4)
