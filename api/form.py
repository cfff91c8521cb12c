"""In which form a picture is sent and taken: Content-Type, Content-Encoding and Accept."""

from collections.abc import Sequence

from starlette.datastructures import Headers

from api.accept import preferred
from errors import NotAcceptable, UnsupportedMediaType
from imaging import INPUTS, ImageFormat, Output, foreign_type

INPUT_TYPES = tuple(each.media_type for each in INPUTS)
"""What `Content-Type` may name where the body is the picture, aliases apart."""

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"

BODY_TYPES = (*INPUT_TYPES, MULTIPART, "application/json")
"""What it may name at all."""

_BY_TYPE = {name: each for each in INPUTS for name in (each.media_type, *each.aliases)}
_UNNAMED = ("", "application/octet-stream")


def check_type(headers: Headers) -> None:
    """Refuse a body by what is said of it, before it is read.

    Raises:
        UnsupportedMediaType: of a type that is not supported.
    """
    media_type = media_type_of(headers)
    if not (media_type in _BY_TYPE or media_type in _UNNAMED):
        raise unsupported(media_type)


def check_encoding(headers: Headers) -> None:
    """Refuse a compressed body: pictures are compressed already, and what it would grow to is not known.

    Raises:
        UnsupportedMediaType: it has a content coding.
    """
    codings = [each.strip().lower() for value in headers.getlist("content-encoding") for each in value.split(",")]
    if set(codings) - {"", "identity"}:
        raise UnsupportedMediaType(
            "The body has a Content-Encoding. Send the file as it is, without one.",
            headers=(("Accept-Encoding", "identity"),),
        )


def declared_format(headers: Headers, body: bytes) -> ImageFormat:
    """The format that Content-Type names; where it names none, that of the first bytes."""
    return _BY_TYPE.get(media_type_of(headers)) or ImageFormat.of(body) or ImageFormat.PNG


def unsupported(media_type: str = "") -> UnsupportedMediaType:
    """The refusal of a type, which names it where it is a known one."""
    supported = ", ".join(BODY_TYPES)
    known = foreign_type(media_type)
    named = f"Content-Type says that this is {known.name}. {known.advice} " if known else ""
    return UnsupportedMediaType(
        f"{named}Supported is one image as the body, or in a form or in JSON, with the type of the body as "
        f"Content-Type: {supported}.",
        headers=(("Accept-Post", supported),),
    )


def accepted(headers: Headers, outputs: Sequence[Output]) -> Output | None:
    """The output whose format `Accept` values most, of equal ones the first; None where it takes none."""
    found = preferred(headers.getlist("accept"), [each.format.media_type for each in outputs])
    return next((each for each in outputs if each.format.media_type == found), None)


def not_acceptable(outputs: Sequence[Output]) -> NotAcceptable:
    """The refusal of a request whose answer its sender would not take."""
    types = ", ".join(each.format.media_type for each in outputs)
    return NotAcceptable(
        f"Accept takes none of the formats that this cut-out can have: {types}. Add one of them or */*, or name it by "
        f"?format=.",
        headers=(("Vary", "Accept"),),
    )


def is_json(headers: Headers) -> bool:
    """Whether JSON was sent: a picture in it, or nothing, as payment tools do."""
    media_type = media_type_of(headers)
    return media_type == "application/json" or media_type.endswith("+json")


def media_type_of(headers: Headers) -> str:
    """What `Content-Type` names, in lower case and without parameters; "" where it names nothing."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
