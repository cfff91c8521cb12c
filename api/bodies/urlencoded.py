"""`application/x-www-form-urlencoded` (WHATWG URL §5): a field holds the picture as Base64, others hold options."""

import re
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from api.bodies.received import BASE64, Received
from api.bodies.values import Value, value_of
from errors import BadRequest

_MAX_FIELDS = 64
_HALF_AN_ESCAPE = re.compile(rb"%[0-9A-Fa-f]?\Z")
_ESCAPES_OF_BASE64 = {f"%{ord(each):{form}}".encode(): each.encode() for each in "+/=\r\n" for form in ("02X", "02x")}


class UrlEncoded:
    """Reads a form."""

    has_fields = True

    def __init__(self, headers: Headers, received: Received) -> None:
        del headers  # the encoding is always UTF-8
        self._received = received
        self._name = b""
        self._value: Value | None = None
        self._rest = b""
        self._fields = 0

    def feed(self, piece: bytes) -> bool:
        """Parse a piece. Always returns that more is needed, because options may follow the picture.

        Raises:
            BadRequest: too many fields, or two pictures.
            InvalidImage: not Base64.
            UploadTooLarge: a field is too large, or there are too many separators.
        """
        self._received.count_text(piece.count(b"&"))  # empty fields take time too
        first, *others = piece.split(b"&")
        self._take(first)
        for each in others:
            self.close()
            self._take(each)
        return True

    def close(self) -> None:
        """The body and its last field have ended. Raises BadRequest, InvalidImage."""
        if self._value is None and self._name:
            self._begin()
        if self._value is not None:
            self._decode(b"", is_end=True)
            self._value.close()
        self._name, self._value = b"", None

    def _take(self, text: bytes) -> None:
        """Process the received part of a field."""
        if self._value is None:
            name, equals, text = text.partition(b"=")
            self._received.count_text(len(name))
            self._name += name
            if equals:
                self._begin()
        if self._value is not None:
            self._decode(text)

    def _begin(self) -> None:
        self._fields += 1
        if self._fields > _MAX_FIELDS:
            raise BadRequest(f"The form exceeds the limit of {_MAX_FIELDS} fields.")
        name = unquote_to_bytes(self._name.replace(b"+", b" "))
        self._value = value_of(name.decode(errors="replace"), self._received)

    def _decode(self, text: bytes, *, is_end: bool = False) -> None:
        text = self._rest + text
        half = None if is_end else _HALF_AN_ESCAPE.search(text)
        self._rest = half[0] if half else b""
        text = text[: half.start()] if half else text
        plain = self._without_escapes(text) if self._name == BASE64.encode() else text.replace(b"+", b" ")
        if self._value is not None and plain:
            self._value.feed(unquote_to_bytes(plain))

    def _without_escapes(self, base64: bytes) -> bytes:
        """Base64 without its escapes. Needless escapes take time, so they count. Base64 has no spaces: an unescaped +
        is a plus sign."""
        for escape, plain in _ESCAPES_OF_BASE64.items():
            base64 = base64.replace(escape, plain)
        self._received.count_text(base64.count(b"%"))
        return base64
