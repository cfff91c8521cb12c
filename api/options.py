"""What the query may ask of a picture: each option with its meaning, how it is read, and how it is written.

One table: the parser, the order, the quote's URL and the OpenAPI document follow it. An option that has no meaning
beside the others is refused, as an unknown one is: it may be a mistake, and the picture would be paid for.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import QueryParams

from errors import BadRequest, InvalidOption, UnknownFormat
from imaging import MAX_SIDE, OUTPUTS, Channels, Crop, ImageFormat, Length, Output, css_colour

Named = tuple[tuple[str, str], ...]
"""Options by name, as they are written in a query."""

FORMATS = {each.name.lower(): each for each in OUTPUTS}
"""What `format` may name; where it is not named, the first that suits the other options is the default."""

SIZES = {"auto": None, "full": None, "preview": 250_000, "medium": 1_500_000, "hd": 4_000_000}
"""What `size` may name, and how many pixels a result then has at most."""

MODEL = "model"
"""The one query parameter that is not an option of the picture."""

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
            "must have one, two or four lengths, as in CSS: all sides; vertical, horizontal; from the top."
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
        description: its meaning, in Markdown, for people and for OpenAPI.
        schema: its JSON schema.
        read: its value from the text.

            Raises:
                ValueError: what the value must be; the text completes a sentence that begins with the name.
        example: a value that is accepted.
    """

    description: str
    schema: Mapping[str, Any]
    read: Callable[[str], Any]
    example: str


OPTIONS: Mapping[str, Option] = {
    "format": Option(
        "Format of the answer. Without it `Accept` chooses among those that suit the other options, by its q-values; "
        "the first of them where it has no preference. `jpeg` has no transparency: it needs `bg_color`, or "
        "`channels=alpha`.",
        {"type": "string", "enum": list(FORMATS), "default": "png"},
        _one_of(list(FORMATS)),
        "webp",
    ),
    "quality": Option(
        "Quality of every format but `png`; 90 by default. The alpha of `webp` is always lossless.",
        {"type": "integer", "minimum": 1, "maximum": 100},
        _whole(1, 100),
        "75",
    ),
    "channels": Option(
        "`alpha` delivers the matte alone, as a grey image; lossless in `png`, and in `webp` without `quality`.",
        {"type": "string", "enum": list(Channels), "default": "rgba"},
        _one_of(list(Channels)),
        "alpha",
    ),
    "bg_color": Option(
        "Colour that the subject is put on, in place of transparency: `ffffff`, `fff` or a CSS name.",
        {"type": "string", "maxLength": 20},
        css_colour,
        "white",
    ),
    "crop": Option(
        "`true` cuts the image to the subject.",
        {"type": "string", "enum": ["false", "true"], "default": "false"},
        _one_of(["false", "true"]),
        "true",
    ),
    "crop_margin": Option(
        "Room around the subject, with `crop=true`: one, two or four lengths as in CSS, each up to `50%` of the "
        "subject or up to `500px`; beyond the image's edge the ground goes on.",
        {"type": "string", "maxLength": 23},
        _margins,
        "10%",
    ),
    "max_side": Option(
        "The result is shrunk until its longer side has at most so many pixels.",
        {"type": "integer", "minimum": _MIN_SIDE, "maximum": MAX_SIDE},
        _whole(_MIN_SIDE, MAX_SIDE),
        "1024",
    ),
    "size": Option(
        "The result is shrunk until it has at most so many megapixels: `preview` 0.25, `medium` 1.5, `hd` 4; `full` "
        "and `auto` keep every pixel.",
        {"type": "string", "enum": list(SIZES), "default": "full"},
        _one_of(list(SIZES)),
        "preview",
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What a query asks for.

    Attributes:
        outputs: all that would do, the preferred first: one where the format is named, else one per format that suits.
        named: the options that change the picture, as written in the one form that we write, in the order of `OPTIONS`.
    """

    outputs: tuple[Output, ...]
    named: Named

    @property
    def is_open(self) -> bool:
        """Whether `Accept` chooses the format."""
        return not any(name == "format" for name, _ in self.named)


def read_wish(query: QueryParams) -> Wish:
    """The options of a query; `model` is not read here.

    Raises:
        BadRequest: a parameter that does not exist.
        UnknownFormat: `format` is not one of ours, or is named twice.
        InvalidOption: another option has no such value, is named twice, or has no meaning beside the others.
    """
    _refuse_unknown(query)
    values = {name: _value(name, query.getlist(name)) for name in OPTIONS if name in query}
    if "crop_margin" in values and values.get("crop") != "true":
        raise InvalidOption("'crop_margin' has a meaning with crop=true only. Add that, or leave it out.")
    return Wish(_outputs(values), _named(values))


def _refuse_unknown(query: QueryParams) -> None:
    unknown = sorted(set(query) - {*OPTIONS, MODEL})
    if unknown:
        raise BadRequest(f"Unknown query parameter {unknown[0][:40]!r}. There are: {', '.join([*OPTIONS, MODEL])}.")


def _value(name: str, texts: Sequence[str]) -> Any:
    error = UnknownFormat if name == "format" else InvalidOption
    if len(texts) > 1:
        raise error(f"{name!r} is named more than once. Name it once.")
    try:
        return OPTIONS[name].read(texts[0])
    except ValueError as fault:
        raise error(f"{name!r} {fault}") from fault


def _outputs(values: Mapping[str, Any]) -> tuple[Output, ...]:
    """One for each format that suits; the fault of the last where none does."""
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
