"""In which form a picture is sent and wanted: Content-Type, Content-Encoding, Accept, and `?format=`."""

from starlette.datastructures import Headers, QueryParams

from api.accept import preferred
from errors import NotAcceptable, UnknownFormat, UnsupportedMediaType
from imaging.foreign import foreign_type
from imaging.formats import ImageFormat

INPUTS = {each.media_type: each for each in ImageFormat}
"""What `Content-Type` may name."""

OUTPUTS = {each.name.lower(): each for each in ImageFormat if each.is_output}
"""What `?format=` may name; the first is the default."""

_INPUTS = {name: each for each in ImageFormat for name in (each.media_type, *each.aliases)}
_UNNAMED = ("", "application/octet-stream")
_BY_TYPE = {each.media_type: each for each in OUTPUTS.values()}
DEFAULT_OUTPUT = next(iter(OUTPUTS.values()))


def check_type(headers: Headers) -> None:
    """Refuse a body by what is said of it, before it is read.

    Raises:
        UnsupportedMediaType: of a type that is not supported.
    """
    media_type = _media_type(headers)
    if not (is_json(headers) or media_type in _INPUTS or media_type in _UNNAMED):
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


def declared_format(headers: Headers, body: bytes) -> ImageFormat | None:
    """The format that Content-Type names, None for JSON; where it names none, that of the first bytes."""
    media_type = _media_type(headers)
    if is_json(headers):
        return None
    return _INPUTS.get(media_type) or ImageFormat.of(body) or DEFAULT_OUTPUT


def unsupported(media_type: str = "") -> UnsupportedMediaType:
    """The refusal of a type, which names it where it is a known one."""
    supported = ", ".join(INPUTS)
    known = foreign_type(media_type)
    named = f"Content-Type says that this is {known.name}. {known.advice} " if known else ""
    return UnsupportedMediaType(
        f"{named}Supported is one picture as the body, with its type as Content-Type: {supported}.",
        headers=(("Accept-Post", supported),),
    )


def named_output(query: QueryParams) -> ImageFormat | None:
    """The format that `?format=` names.

    Raises:
        UnknownFormat: not one of ours, or several.
    """
    wanted = query.getlist("format")
    if not wanted:
        return None
    if len(wanted) > 1 or wanted[0] not in OUTPUTS:
        raise UnknownFormat(f"'format' names one of: {', '.join(OUTPUTS)}.")
    return OUTPUTS[wanted[0]]


def accepted_output(headers: Headers) -> ImageFormat | None:
    """The format that `Accept` values most, None where it takes none of ours."""
    found = preferred(headers.getlist("accept"), list(_BY_TYPE))
    return _BY_TYPE[found] if found else None


def not_acceptable() -> NotAcceptable:
    """The refusal of a request whose answer its sender would not take."""
    return NotAcceptable(
        f"Accept takes none of the formats that a cut-out can have: {', '.join(_BY_TYPE)}. Add one of them or */*, or "
        f"name it by ?format=.",
        headers=(("Vary", "Accept"),),
    )


def is_json(headers: Headers) -> bool:
    """Whether JSON was sent in place of a picture, as payment tools do."""
    media_type = _media_type(headers)
    return media_type == "application/json" or media_type.endswith("+json")


def _media_type(headers: Headers) -> str:
    return headers.get("content-type", "").partition(";")[0].strip().lower()
