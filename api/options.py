"""The options of a request: the description, schema and parser of each.

The parser, the order, the quote's URL and the OpenAPI document use this one table. An option without effect in its
combination is refused like an unknown one: it may be a mistake, and the buyer would pay for the picture.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from errors import BadRequest, InvalidOption, UnknownFormat
from imaging import MAX_SIDE, OUTPUTS, Channels, Crop, ImageFormat, Length, Output, css_colour

Named = tuple[tuple[str, str], ...]
"""Options by name, as written in a query."""

FORMATS = {each.name.lower(): each for each in OUTPUTS}
"""Values of `format`; the default is the first one that the other options allow."""

SIZES = {"auto": None, "full": None, "preview": 250_000, "medium": 1_500_000, "hd": 4_000_000}
"""Values of `size`, with the largest number of pixels of the result."""

MODEL = "model"
"""The only query parameter that is not an option of the picture."""

_MIN_SIDE = 16
_MAX_SHARE, _MAX_MARGIN = 50, 500
_MARGIN = re.compile(r"(\d{1,3})(%|px)", re.ASCII)
_NUMBER = re.compile(r"\d{1,5}", re.ASCII)


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if _NUMBER.fullmatch(text) and lowest <= int(text) <= highest:
            return int(text)
        raise ValueError(f"must be a whole number from {lowest} to {highest}.")

    return read


def _one_of(names: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text in names:
            return text
        raise ValueError(f"must be one of: {', '.join(names)}.")

    return read


def _margins(text: str) -> tuple[Length, Length, Length, Length]:
    """Top, right, bottom and left of one, two or four lengths, in the order of CSS."""
    lengths = [_length(each) for each in text.split()]
    if len(lengths) not in (1, 2, 4):
        raise ValueError(
            "must have one, two or four lengths, as in CSS: all sides; vertical, horizontal; or clockwise from the top."
        )
    top, right, bottom, left = (lengths * 4)[:4]
    return top, right, bottom, left


def _length(text: str) -> Length:
    found = _MARGIN.fullmatch(text)
    if found is None or int(found[1]) > (_MAX_SHARE if found[2] == "%" else _MAX_MARGIN):
        raise ValueError(f"must have lengths up to {_MAX_SHARE}% of the subject or up to {_MAX_MARGIN}px.")
    return Length(int(found[1]) / 100, is_share=True) if found[2] == "%" else Length(int(found[1]))


@dataclass(frozen=True, slots=True)
class Option:
    """One query parameter.

    Attributes:
        description: in Markdown, for people and for OpenAPI.
        schema: its JSON schema.
        read: parses the text.

            Raises:
                ValueError: says what the value must be; the text continues a sentence that starts with the name.
        example: a valid value.
    """

    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    example: str


OPTIONS: Mapping[str, Option] = {
    "format": Option(
        "Format of the result. By default `Accept` chooses by its q-values among the formats that the other options "
        "allow; without a preference, the first of them. `jpeg` has no transparency: it needs `bg_color` or "
        "`channels=alpha`.",
        {"type": "string", "enum": list(FORMATS), "default": "png"},
        _one_of(list(FORMATS)),
        "webp",
    ),
    "quality": Option(
        "Quality of every format except `png`; 90 by default. The alpha channel of `webp` is always lossless.",
        {"type": "integer", "minimum": 1, "maximum": 100},
        _whole(1, 100),
        "75",
    ),
    "channels": Option(
        "`alpha` delivers only the matte, as a greyscale image; lossless in `png`, and in `webp` without `quality`.",
        {"type": "string", "enum": list(Channels), "default": "rgba"},
        _one_of(list(Channels)),
        "alpha",
    ),
    "bg_color": Option(
        "Background colour instead of transparency: `ffffff`, `fff` or a CSS name.",
        {"type": "string", "maxLength": 20},
        css_colour,
        "white",
    ),
    "crop": Option(
        "`true` crops the image to the subject.",
        {"type": "string", "enum": ["false", "true"], "default": "false"},
        _one_of(["false", "true"]),
        "true",
    ),
    "crop_margin": Option(
        "Margin around the subject, with `crop=true`: one, two or four lengths as in CSS, each up to `50%` of the "
        "subject or up to `500px`; the background continues beyond the image's edge.",
        {"type": "string", "maxLength": 23},
        _margins,
        "10%",
    ),
    "max_side": Option(
        "Largest length of the result's longer side, in pixels; larger results are scaled down.",
        {"type": "integer", "minimum": _MIN_SIDE, "maximum": MAX_SIDE},
        _whole(_MIN_SIDE, MAX_SIDE),
        "1024",
    ),
    "size": Option(
        "Largest size of the result, in megapixels: `preview` 0.25, `medium` 1.5, `hd` 4; `full` and `auto` keep every "
        "pixel. Larger results are scaled down.",
        {"type": "string", "enum": list(SIZES), "default": "full"},
        _one_of(list(SIZES)),
        "preview",
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The parsed options of a request.

    Attributes:
        outputs: the possible outputs, the preferred first: one if the format is named, else one per possible format.
        named: the options that change the picture, in canonical form and in the order of `OPTIONS`.
    """

    outputs: tuple[Output, ...]
    named: Named

    @property
    def is_open(self) -> bool:
        """Whether `Accept` chooses the format."""
        return not any(name == "format" for name, _ in self.named)


def read_wish(query: QueryParams) -> Wish:
    """The options of a query, except `model`.

    Raises:
        BadRequest: a parameter does not exist.
        UnknownFormat: `format` has an unknown value or is repeated.
        InvalidOption: another option has an invalid value, is repeated, or has no effect with the others.
    """
    _refuse_unknown(query)
    values = {name: _value(name, query.getlist(name)) for name in OPTIONS if name in query}
    if "crop_margin" in values and values.get("crop") != "true":
        raise InvalidOption("'crop_margin' requires crop=true. Add that, or remove it.")
    return Wish(_outputs(values), _named(values))


def _refuse_unknown(query: QueryParams) -> None:
    unknown = sorted(set(query) - {*OPTIONS, MODEL})
    if unknown:
        raise BadRequest(f"Unknown query parameter {unknown[0][:40]!r}. Accepted: {', '.join([*OPTIONS, MODEL])}.")


def _value(name: str, texts: Sequence[str]) -> Any:
    error = UnknownFormat if name == "format" else InvalidOption
    if len(texts) > 1:
        raise error(f"{name!r} is repeated. Send it once.")
    try:
        return OPTIONS[name].read(texts[0])
    except ValueError as fault:
        raise error(f"{name!r} {fault}") from fault


def _outputs(values: Mapping[str, Any]) -> tuple[Output, ...]:
    """One output for each possible format; raises the fault of the last format if none is possible."""
    outputs: list[Output] = []
    formats = [FORMATS[values["format"]]] if "format" in values else list(FORMATS.values())
    for each in formats:
        try:
            outputs.append(_output(each, values))
        except ValueError as error:
            fault = error
    if not outputs:
        raise InvalidOption(f"{fault}") from fault
    return tuple(outputs)


def _output(format: ImageFormat, values: Mapping[str, Any]) -> Output:
    return Output(
        format,
        quality=values.get("quality"),
        channels=Channels(values.get("channels", Channels.RGBA)),
        background=values.get("bg_color"),
        crop=Crop(*values.get("crop_margin", ())) if values.get("crop") == "true" else None,
        max_side=values.get("max_side"),
        max_pixels=SIZES[values.get("size", "full")],
    )


_WITHOUT_EFFECT = {("channels", "rgba"), ("crop", "false"), ("size", "full"), ("size", "auto")}


def _named(values: Mapping[str, Any]) -> Named:
    written = ((name, _written(values[name])) for name in OPTIONS if name in values)
    return tuple(each for each in written if each not in _WITHOUT_EFFECT)


def _written(value: Any) -> str:
    match value:
        case (int(red), int(green), int(blue)):
            return f"{red:02x}{green:02x}{blue:02x}"
        case (Length(), *_):
            return " ".join(f"{round(each.value * 100)}%" if each.is_share else f"{each.value}px" for each in value)
        case _:
            return str(value)
