"""Checks of a request's head beyond those of h11 (RFC 9110, RFC 9112).

A proxy and this server must interpret a request identically, or an attacker can pass the proxy's rules ("request
smuggling"). So ambiguous requests are rejected and the connection is closed. Oversized heads are rejected before they
are parsed.
"""

import re

import h11

from api.http.limits import MAX_FIELDS, MAX_HEAD_BYTES, MAX_TARGET_BYTES

_AMBIGUOUS = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\r\n[ \t]")
"""A line end without CR or LF, or a folded line (RFC 9112 §2.2, §5.2)."""
_ABSOLUTE = re.compile(rb"https?://([^/?#@]+)(/[^#]*|\?[^#]*)?", re.IGNORECASE)
_VERSIONS = (b"1.0", b"1.1")


class RejectedRequest(h11.RemoteProtocolError):
    """A violation with our own message; h11's messages quote the client's input."""


def check_lines(received: bytes) -> None:
    """Check the bytes of a possibly incomplete head.

    Raises:
        RejectedRequest: with the status of the response.
    """
    end = received.find(b"\r\n\r\n")
    length = len(received) if end < 0 else end
    if _AMBIGUOUS.search(received, 0, length + 2 if end >= 0 else length):
        raise rejected("Lines of the request head must end with CR LF and must not be folded.")
    if length > MAX_HEAD_BYTES:
        raise rejected(f"The header fields exceed the limit of {MAX_HEAD_BYTES} bytes.", 431)
    if received.count(b"\r\n", 0, length) > MAX_FIELDS:
        raise rejected(f"The request exceeds the limit of {MAX_FIELDS} header fields.", 431)
    target = received[: MAX_TARGET_BYTES + 64].partition(b"\r\n")[0]
    if len(target) > MAX_TARGET_BYTES:
        raise rejected(f"The request line exceeds the limit of {MAX_TARGET_BYTES} bytes.", 414)


def checked(request: h11.Request) -> h11.Request:
    """Check a request. Returns it with a path as its target.

    Raises:
        RejectedRequest: it is ambiguous, or of another HTTP version.
    """
    if request.http_version not in _VERSIONS:
        raise rejected("HTTP/1.1 and HTTP/1.0 are supported.", 505)
    values = _values(request)
    if b"transfer-encoding" in values:
        if b"content-length" in values:
            raise rejected("Content-Length and Transfer-Encoding must not be combined. Send one of them.")
        if request.http_version == b"1.0":
            raise rejected("HTTP/1.0 does not support Transfer-Encoding. Send Content-Length or use HTTP/1.1.")
    if len(set(values.get(b"content-type", ()))) > 1:
        raise rejected("A request must have one Content-Type only.")
    return _in_origin_form(request)


def _values(request: h11.Request) -> dict[bytes, list[bytes]]:
    values: dict[bytes, list[bytes]] = {}
    for name, value in request.headers:
        values.setdefault(name, []).append(value)
    return values


def _in_origin_form(request: h11.Request) -> h11.Request:
    """Convert an absolute URL to its path; its host takes precedence over the Host field (RFC 9112 §3.2.2)."""
    if request.target[:4].lower() != b"http":
        return request
    found = _ABSOLUTE.fullmatch(request.target)
    if found is None:
        raise rejected("The request target must be a path or an absolute URL.")
    rest = found[2] or b"/"
    return h11.Request(
        method=request.method,
        target=rest if rest.startswith(b"/") else b"/" + rest,
        headers=[(b"host", found[1]), *(each for each in request.headers if each[0] != b"host")],
        http_version=request.http_version,
    )


def rejected(detail: str, status: int = 400) -> RejectedRequest:
    """The error for a request, with the status of its response."""
    return RejectedRequest(detail, error_status_hint=status)
