"""What a request's head must be, beyond what h11 demands (RFC 9110, RFC 9112).

Two readers of one request must find the same request, or a proxy in front can be made to pass what it would refuse
("request smuggling"). So whatever is ambiguous is refused and the connection closed. What would only cost time is
refused before it is parsed.
"""

import re

import h11

from api.http.limits import MAX_FIELDS, MAX_HEAD_BYTES, MAX_TARGET_BYTES

_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
"""A line end without its CR or its LF, and a folded line (RFC 9112 §2.2, §5.2)."""
_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_VERSIONS = (b"1.0", b"1.1")


class Refused(h11.RemoteProtocolError):
    """A fault that is ours to name; h11's own texts quote what the client sent."""


def check_lines(received: bytes) -> None:
    """Refuse by its bytes a head that has begun to arrive, and may be followed by more.

    Raises:
        Refused: with the status of the answer.
    """
    end = received.find(b"\r\n\r\n")
    length = len(received) if end < 0 else end
    if _AMBIGUOUS.search(received, 0, length + 2 if end >= 0 else length):
        raise refused("Lines of a request's head end in CR LF, and none is folded.")
    if length > MAX_HEAD_BYTES:
        raise refused(f"Header fields may have up to {MAX_HEAD_BYTES} bytes in all.", 431)
    if received.count(b"\r\n", 0, length) > MAX_FIELDS:
        raise refused(f"A request may have up to {MAX_FIELDS} header fields.", 431)
    target = received[: MAX_TARGET_BYTES + 64].partition(b"\r\n")[0]
    if len(target) > MAX_TARGET_BYTES:
        raise refused(f"A request's line may have up to {MAX_TARGET_BYTES} bytes.", 414)


def checked(request: h11.Request) -> h11.Request:
    """The request, with a target that is a path.

    Raises:
        Refused: it could be read in two ways, or is of another version.
    """
    if request.http_version not in _VERSIONS:
        raise refused("HTTP/1.1 and HTTP/1.0 are supported.", 505)
    values = _values(request)
    if b"transfer-encoding" in values:
        if b"content-length" in values:
            raise refused("Content-Length and Transfer-Encoding exclude each other. Send one of them.")
        if request.http_version == b"1.0":
            raise refused("HTTP/1.0 has no Transfer-Encoding. Send Content-Length, or use HTTP/1.1.")
    if len(set(values.get(b"content-type", ()))) > 1:
        raise refused("A request has one Content-Type.")
    return _in_origin_form(request)


def _values(request: h11.Request) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(value)
    return values


def _in_origin_form(request: h11.Request) -> h11.Request:
    """A whole URL as target means its path, and its host stands above the field Host (RFC 9112 §3.2.2)."""
    if request.target[:4].lower() != b"http":
        return request
    found = _ABSOLUTE.fullmatch(request.target)
    if found is None:
        raise refused("The request's target is neither a path nor a URL.")
    rest = found[2] or b"/"
    return h11.Request(
        method=request.method,
        target=rest if rest.startswith(b"/") else b"/" + rest,
        headers=[(b"host", found[1]), *(each for each in request.headers if each[0] != b"host")],
        http_version=request.http_version,
    )


def refused(detail: str, status: int = 400) -> Refused:
    """The refusal of a request, with the status of its answer."""
    return Refused(detail, error_status_hint=status)
