import pytest

from imaging.formats import ImageFormat
from imaging.output import MAX_SIDE, Channels, Crop, Length, Output

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
WHITE = (255, 255, 255)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"format": PNG, "quality": 80}, "quality"),
        ({"format": WEBP, "background": WHITE, "channels": Channels.ALPHA}, "bg_color"),
        ({"format": JPEG}, "bg_color"),
        ({"format": JPEG, "quality": 80}, "bg_color"),
    ],
)
def test_an_output_that_contradicts_itself_cannot_be_made(options: dict[str, object], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Output(**options)  # type: ignore[arg-type]  # values of several types on purpose


def test_jpeg_stands_on_a_ground_or_is_the_matte() -> None:
    assert not Output(JPEG, background=WHITE).is_transparent
    assert not Output(JPEG, channels=Channels.ALPHA).is_transparent


@pytest.mark.parametrize(
    ("output", "fitted"),
    [
        (Output(), (4000, 3000)),
        (Output(max_side=5000), (4000, 3000)),
        (Output(max_side=4000), (4000, 3000)),
        (Output(max_side=1000), (1000, 750)),
        (Output(max_pixels=12_000_000), (4000, 3000)),
        (Output(max_pixels=250_000), (577, 433)),
        (Output(max_side=100, max_pixels=250_000), (100, 75)),
        (Output(max_side=2000, max_pixels=250_000), (577, 433)),
    ],
)
def test_a_result_is_shrunk_to_both_bounds_and_never_enlarged(output: Output, fitted: tuple[int, int]) -> None:
    assert output.fitted(4000, 3000) == fitted


def test_a_line_keeps_a_pixel() -> None:
    assert Output(max_side=16).fitted(10_000, 1) == (16, 1)


def test_margins_are_pixels_or_shares_of_the_subject() -> None:
    crop = Crop(Length(10), Length(0.1, is_share=True), Length(20), Length(0.5, is_share=True))
    assert crop.size(100, 200) == (160, 230)


def test_no_margin_makes_a_side_longer_than_any_picture_may_be() -> None:
    half = Length(0.5, is_share=True)
    assert Crop(half, half, half, half).size(8000, 20) == (MAX_SIDE, 40)
