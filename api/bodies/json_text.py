"""JSON: the picture as Base64 in a member, options as further members.

The text is read as it arrives. The member with the picture is decoded at once; the rest is kept and parsed at
the end. So neither a large picture nor hostile JSON takes more memory than the picture.
"""

import json
import re
from typing import Any

from starlette.datastructures import Headers

from api.bodies.received import BASE64, FILE, MAX_TEXT_BYTES, URL, Received
from api.bodies.values import Base64Text
from errors import BadRequest, UploadTooLarge

_BEFORE_PICTURE = re.compile(rb'"image_file_b64"\s*:\s*"\Z')
_LOOKED_BACK = 64
_WITHIN_STRING = re.compile(rb'(?:[^"\\]++|\\(?:u[0-9A-Fa-f]{4}|[^u]))*+', re.DOTALL)
_LONGEST_ESCAPE = 6
_BRACKET = re.compile(rb"[{}\[\]]")
_MAX_DEPTH = 32


class JsonText:
    """Reads a JSON object."""

    has_fields = True

    def __init__(self, headers: Headers, received: Received) -> None:
        self._received = received
        self._rest = b""
        self._kept = bytearray()
        self._is_within_string = False
        self._depth = 0
        self._picture: Base64Text | None = None

    def feed(self, piece: bytes) -> bool:
        """Parse a piece. Always returns that more is needed, because options may follow the picture.

        Raises:
            BadRequest: not JSON, or two pictures.
            InvalidImage: not Base64.
            UploadTooLarge: the picture or the other members are too large.
        """
        text, at = self._rest + piece, 0
        while at < len(text):
            end = self._within_string(text, at) if self._is_within_string else self._outside(text, at)
            if end == at:
                break
            at = end
        self._rest = text[at:]
        if len(self._rest) >= _LONGEST_ESCAPE:
            raise _malformed("a string has an unknown escape")
        return True

    def close(self) -> None:
        """The body has ended. Payment tools send arbitrary objects to learn the price, so an object without a picture
        may have members that are not options. Raises BadRequest, UploadTooLarge."""
        try:
            found = json.loads(self._kept + self._rest, object_pairs_hook=_members)
        except ValueError as error:
            raise _malformed("it ends early, repeats a member, or is not JSON") from error
        if not isinstance(found, dict):
            raise _malformed("it is not an object")
        if not self._received.size and not found.get(URL):
            found = {name: value for name, value in found.items() if name == BASE64 or isinstance(value, (str, int))}
        for name, value in found.items():
            self._take(name, value)

    def _take(self, name: str, value: Any) -> None:
        if name == BASE64 and value not in ("", None):
            raise BadRequest(f"{BASE64!r} must be a string.")
        if name != BASE64 and value is not None:
            self._received.name(name, _text(name, value))

    def _outside(self, text: bytes, at: int) -> int:
        """Keep the text up to the next string; returns where that ends."""
        quote = text.find(b'"', at)
        end = len(text) if quote < 0 else quote + 1
        self._keep(text[at:end])
        self._count_depth(text[at:end])
        if quote >= 0:
            self._is_within_string = True
            if _BEFORE_PICTURE.search(self._kept[-_LOOKED_BACK:]):
                self._picture = Base64Text(self._received)
        return end

    def _count_depth(self, outside: bytes) -> None:
        """Check our own nesting limit: the depth that Python's parser allows depends on its caller."""
        for each in _BRACKET.findall(outside):
            self._depth += 1 if each in b"{[" else -1
            if self._depth > _MAX_DEPTH:
                raise _malformed(f"it nests deeper than {_MAX_DEPTH} levels")

    def _within_string(self, text: bytes, at: int) -> int:
        """Parse the received part of a string; returns where that ends."""
        found = _WITHIN_STRING.match(text, at)
        end = at if found is None else found.end()
        if self._picture is None:
            self._keep(text[at:end])
        else:
            self._picture.feed(_unescaped(text[at:end]))
        if text[end : end + 1] != b'"':
            return end
        if self._picture is not None:
            self._picture.close()
            self._picture = None
        self._keep(b'"')
        self._is_within_string = False
        return end + 1

    def _keep(self, piece: bytes) -> None:
        self._received.count_text(len(piece))
        self._kept += piece


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members as a dict. Raises ValueError for a repeated member."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a member is repeated")
    return found


def _unescaped(text: bytes) -> bytes:
    if b"\\" not in text:
        return text
    return str(json.loads(b'"' + text + b'"', strict=False)).encode()


def _text(name: str, value: Any) -> str:
    """An option as in a query. Raises BadRequest for arrays, objects and fractions."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, (str, int)):
        raise BadRequest(f"{name[:40]!r} must be a string, a whole number, true or false.")
    text = str(value)
    if len(text) > MAX_TEXT_BYTES:
        raise UploadTooLarge(f"{name[:40]!r} has more than {MAX_TEXT_BYTES} characters.")
    return text


def _malformed(why: str) -> BadRequest:
    return BadRequest(
        f"Invalid JSON: {why}. Send one object with {BASE64!r} or {URL!r}, and options as further members. "
        f"Send a binary file in a form, as {FILE!r}."
    )
