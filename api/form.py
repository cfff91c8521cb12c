"""Content negotiation: Content-Type, Content-Encoding and Accept."""

from collections.abc import Sequence

from starlette.datastructures import Headers

from api.accept import preferred
from errors import NotAcceptable, UnsupportedMediaType
from imaging import INPUTS, ImageFormat, Output, foreign_type

INPUT_TYPES = tuple(each.media_type for each in INPUTS)
"""Accepted values of `Content-Type` if the body is the picture, without aliases."""

MULTIPART, URLENCODED = "multipart/form-data", "application/x-www-form-urlencoded"

BODY_TYPES = (*INPUT_TYPES, MULTIPART, "application/json")
"""All accepted values."""

_BY_TYPE = {name: each for each in INPUTS for name in (each.media_type, *each.aliases)}
_UNNAMED = ("", "application/octet-stream")


def check_type(headers: Headers) -> None:
    """Refuse a body by its header fields, before it is read.

    Raises:
        UnsupportedMediaType: its type is not supported.
    """
    media_type = media_type_of(headers)
    if not (media_type in _BY_TYPE or media_type in _UNNAMED):
        raise unsupported(media_type)


def check_encoding(headers: Headers) -> None:
    """Refuse a compressed body: pictures are already compressed, and its decompressed size is unknown.

    Raises:
        UnsupportedMediaType: it has a content coding.
    """
    codings = [each.strip().lower() for value in headers.getlist("content-encoding") for each in value.split(",")]
    if set(codings) - {"", "identity"}:
        raise UnsupportedMediaType(
            "The body must not have a Content-Encoding. Send the unmodified file.",
            headers=(("Accept-Encoding", "identity"),),
        )


def declared_format(headers: Headers, body: bytes) -> ImageFormat:
    """The format in Content-Type, otherwise the format by the first bytes."""
    return _BY_TYPE.get(media_type_of(headers)) or ImageFormat.of(body) or ImageFormat.PNG


def unsupported(media_type: str = "") -> UnsupportedMediaType:
    """The error for a type; names the type if it is a known one."""
    supported = ", ".join(BODY_TYPES)
    known = foreign_type(media_type)
    named = f"Content-Type is {known.name}. {known.advice} " if known else ""
    return UnsupportedMediaType(
        f"{named}Supported is one image as the body, or in a form or in JSON, with the type of the body as "
        f"Content-Type: {supported}.",
        headers=(("Accept-Post", supported),),
    )


def accepted(headers: Headers, outputs: Sequence[Output]) -> Output | None:
    """The output with the most preferred format by `Accept`, the first of equal ones; None if it allows none."""
    found = preferred(headers.getlist("accept"), [each.format.media_type for each in outputs])
    return next((each for each in outputs if each.format.media_type == found), None)


def not_acceptable(outputs: Sequence[Output]) -> NotAcceptable:
    """The error for a request whose `Accept` allows none of the outputs."""
    types = ", ".join(each.format.media_type for each in outputs)
    return NotAcceptable(
        f"Accept must allow one of the formats of this cut-out: {types}. Add one of them or */*, or name it by "
        f"?format=.",
        headers=(("Vary", "Accept"),),
    )


def is_json(headers: Headers) -> bool:
    """Whether the body is JSON: with a picture, or without one as payment tools send it."""
    media_type = media_type_of(headers)
    return media_type == "application/json" or media_type.endswith("+json")


def media_type_of(headers: Headers) -> str:
    """The media type of `Content-Type`, in lower case without parameters; "" if there is none."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()
