"""The fields of remove.bg as options of ours, and what is refused because we cannot do it."""

import pytest
from starlette.datastructures import QueryParams

from api.remove_bg.fields import read_fields
from errors import BadRequest, InvalidOption, UnknownFormat

DEFAULTS = {
    "size": "preview",
    "type": "auto",
    "type_level": "1",
    "format": "auto",
    "roi": "0% 0% 100% 100%",
    "crop": "false",
    "crop_margin": "0",
    "scale": "original",
    "position": "original",
    "channels": "rgba",
    "add_shadow": "false",
    "semitransparency": "true",
    "bg_color": "",
    "bg_image_url": "",
}
"""Those of its description."""


def options(**fields: str) -> dict[str, str]:
    """What is bought, by our names."""
    return dict(read_fields(QueryParams(list(fields.items()))).named)


def test_all_defaults_mean_the_same_as_none() -> None:
    assert options(**DEFAULTS) == options() == {"format": "png", "size": "preview"}


@pytest.mark.parametrize(
    ("size", "ours"),
    [
        *[(each, "preview") for each in ("preview", "small", "regular")],
        *[(each, None) for each in ("full", "4k", "auto", "50MP")],
        *[(each, each) for each in ("medium", "hd")],
    ],
)
def test_sizes(size: str, ours: str | None) -> None:
    assert options(size=size).get("size") == ours


@pytest.mark.parametrize(
    ("fields", "format", "bg_color"),
    [
        ({}, "png", None),
        ({"bg_color": "fff"}, "jpeg", "ffffff"),
        ({"format": "png", "bg_color": "81d4fa"}, "png", "81d4fa"),
        ({"format": "jpg"}, "jpeg", "ffffff"),
        ({"format": "jpg", "bg_color": "red"}, "jpeg", "ff0000"),
        ({"format": "webp"}, "webp", None),
        ({"channels": "alpha"}, "png", None),
        ({"channels": "alpha", "format": "jpg"}, "jpeg", None),
    ],
)
def test_formats(fields: dict[str, str], format: str, bg_color: str | None) -> None:
    """JPEG has no transparency, so it has a ground, white unless another one is named."""
    named = options(**fields)
    assert (named["format"], named.get("bg_color")) == (format, bg_color)


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        ({"crop": "true"}, {"crop": "true"}),
        ({"crop": "True", "crop_margin": "0"}, {"crop": "true", "crop_margin": "0px 0px 0px 0px"}),
        ({"crop": "1", "crop_margin": "10%  20px"}, {"crop": "true", "crop_margin": "10% 20px 10% 20px"}),
        ({"crop": "false", "crop_margin": "30px"}, {}),
        ({"crop": "0"}, {}),
    ],
)
def test_crops(fields: dict[str, str], ours: dict[str, str]) -> None:
    """A margin has an effect together with `crop` only, there as here; here it is no mistake."""
    named = options(**fields)
    assert {name: named[name] for name in ("crop", "crop_margin") if name in named} == ours


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"format": "zip"}, UnknownFormat),
        ({"size": "huge"}, InvalidOption),
        ({"type": "person"}, InvalidOption),
        ({"type_level": "3"}, InvalidOption),
        ({"roi": "10% 10% 90% 90%"}, InvalidOption),
        ({"scale": "80%"}, InvalidOption),
        ({"position": "center"}, InvalidOption),
        ({"add_shadow": "true"}, InvalidOption),
        ({"semitransparency": "false"}, InvalidOption),
        ({"bg_image_url": "https://pictures.example/x.jpg"}, InvalidOption),
        ({"bg_image_file": "x"}, InvalidOption),
        ({"bg_color": "81d4fa77"}, InvalidOption),
        ({"crop": "maybe"}, InvalidOption),
        ({"crop": "true", "crop_margin": "60%"}, InvalidOption),
        ({"channels": "rgb"}, InvalidOption),
        ({"max_side": "100"}, BadRequest),
        ({"image_base64": "AAAA"}, BadRequest),
    ],
)
def test_what_we_cannot_do_is_refused_by_its_name(fields: dict[str, str], error: type[BadRequest]) -> None:
    with pytest.raises(error) as refused:
        options(**fields)
    assert type(refused.value) is error
    assert repr(list(fields)[-1]) in refused.value.detail


def test_a_field_may_come_once() -> None:
    with pytest.raises(InvalidOption, match="'size' is repeated"):
        read_fields(QueryParams([("size", "hd"), ("size", "full")]))
