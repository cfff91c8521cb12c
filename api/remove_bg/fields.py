"""Maps the fields of remove.bg to our options.

Unsupported fields are refused before a quote, except with a value that has no effect: some clients send every field
with its default. Source: https://www.remove.bg/api (swagger, version 1.0).
"""

from collections.abc import Callable, Mapping
from typing import TypeVar

from starlette.datastructures import QueryParams

from api.bodies import FORMS
from api.bodies.urlencoded import UrlEncoded
from api.dialect import Dialect
from api.form import URLENCODED
from api.options import MODEL, Wish, read_wish
from api.pricing import REMOVE_BG_PATH
from errors import BadRequest, InvalidOption, UnknownFormat

T = TypeVar("T")

SIZES = {
    **dict.fromkeys(("preview", "small", "regular"), "preview"),
    **dict.fromkeys(("full", "4k", "50MP", "auto"), "full"),
    **{name: name for name in ("medium", "hd")},
}
"""Their values of `size`, and ours; the default is `preview`."""

FORMATS = {"auto": None, "png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp"}
"""Their values of `format`, and ours; `auto` is JPEG if nothing is transparent."""

FIXED: Mapping[str, tuple[str, ...]] = {
    "type": ("auto",),
    "type_level": ("1", "2", "latest", "none"),
    "roi": ("0% 0% 100% 100%",),
    "scale": ("original",),
    "position": ("original",),
    "semitransparency": ("true", "1"),
    "add_shadow": ("false", "0"),
    "bg_image_url": (),
    "bg_image_file": (),
}
"""Optional fields without effect, with their accepted values."""

OF_SHADOWS = ("shadow_type", "shadow_opacity", "shadow_method")
_TRUTH = {"true": "true", "1": "true", "false": "false", "0": "false"}

NAMES = frozenset({"size", "format", "channels", "bg_color", "crop", "crop_margin", *FIXED, *OF_SHADOWS, MODEL})


def read_fields(fields: QueryParams) -> Wish:
    """The options of a remove.bg request.

    Raises:
        BadRequest: a field does not exist.
        UnknownFormat, InvalidOption: a value does not exist, or is not supported.
    """
    values = {name: _only(name, fields.getlist(name)) for name in fields if any(fields.getlist(name))}
    for name, value in values.items():
        _refuse_unknown(name)
        if name in FIXED:
            _refuse_unless_fixed(name, value)
    options = {**_picture(values), **_crop(values)}
    return read_wish(QueryParams(list(options.items())))


REMOVE_BG = Dialect(
    REMOVE_BG_PATH,
    {**FORMS, URLENCODED: UrlEncoded},
    NAMES,
    read_fields,
    quotes_options=False,
)
"""The request format of `POST /v1.0/removebg`."""


def _only(name: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidOption(f"{name[:40]!r} is repeated. Send it once.")
    return " ".join(values[0].split())


def _refuse_unknown(name: str) -> None:
    if name not in NAMES:
        raise BadRequest(f"Unknown field {name[:40]!r}. Accepted: {', '.join(sorted(NAMES))}.")


def _refuse_unless_fixed(name: str, value: str) -> None:
    if value.lower() not in FIXED[name]:
        rest = f"Send {' or '.join(FIXED[name])}, or leave it out." if FIXED[name] else "Leave it out."
        raise InvalidOption(f"{name!r} is not offered here with the value {value[:40]!r}. {rest}")


def _picture(values: Mapping[str, str]) -> dict[str, str]:
    """The options of the whole picture."""
    options = {"size": _one_of(SIZES, "size", values.get("size", "preview"), InvalidOption)}
    options |= {name: values[name] for name in ("channels", "bg_color") if name in values}
    is_opaque = "bg_color" in options and options.get("channels") != "alpha"
    format = _one_of(FORMATS, "format", values.get("format", "auto"), UnknownFormat)
    options["format"] = format or ("jpeg" if is_opaque else "png")
    if format == "jpeg" and options.get("channels") != "alpha":
        options.setdefault("bg_color", "white")
    return options


def _crop(values: Mapping[str, str]) -> dict[str, str]:
    """`crop`, and `crop_margin`, which requires `crop` and may omit the unit of 0."""
    if _one_of(_TRUTH, "crop", values.get("crop", "false").lower(), InvalidOption) == "false":
        return {}
    lengths = ["0px" if each == "0" else each for each in values.get("crop_margin", "").split()]
    return {"crop": "true", **({"crop_margin": " ".join(lengths)} if lengths else {})}


def _one_of(meanings: Mapping[str, T], name: str, value: str, error: Callable[[str], BadRequest]) -> T:
    if value not in meanings:
        raise error(f"{name!r} must be one of: {', '.join(meanings)}.")
    return meanings[value]
