"""Readers of field values, which arrive in pieces: a file, its Base64 text, or a short text."""

import binascii
from typing import Protocol

from api.bodies.received import BASE64, FILE, MAX_TEXT_BYTES, Received
from errors import BadRequest, InvalidImage, UploadTooLarge

_STANDARD = bytes.maketrans(b"-_", b"+/")
_IGNORED = b" \r\n\t"
_MAX_PREFIX = 200


class Value(Protocol):
    """One field's value."""

    def feed(self, piece: bytes) -> None:
        """Read a piece. Raises BadRequest, UploadTooLarge."""
        ...

    def close(self) -> None:
        """It has ended. Raises BadRequest."""
        ...


def value_of(name: str, received: Received) -> Value:
    """The reader for the field with this name."""
    if name == FILE:
        return _File(received)
    return Base64Text(received) if name == BASE64 else Text(name, received)


class _File:
    def __init__(self, received: Received) -> None:
        self._received = received

    def feed(self, piece: bytes) -> None:
        self._received.add(self, piece)

    def close(self) -> None:
        """Ignore an empty file: browsers send one for an empty field."""


class Text:
    """A short text."""

    def __init__(self, name: str, received: Received) -> None:
        self._name = name
        self._received = received
        self._text = bytearray()

    def feed(self, piece: bytes) -> None:
        """Take what has come of it. Raises UploadTooLarge."""
        self._received.count_text(len(piece))
        self._text += piece
        if len(self._text) > MAX_TEXT_BYTES:
            raise UploadTooLarge(
                f"The field {self._name[:40]!r} has more than {MAX_TEXT_BYTES} bytes. Send the image as {FILE!r}, "
                f"or as Base64 in {BASE64!r}."
            )

    def close(self) -> None:
        """It has ended. Raises BadRequest."""
        try:
            text = self._text.decode()
        except UnicodeDecodeError as error:
            raise BadRequest(
                f"The field {self._name[:40]!r} is not UTF-8 text. A file may be sent as {FILE!r} only."
            ) from error
        self._received.name(self._name, text)


class Base64Text:
    """A picture as Base64 (RFC 4648 §4 or §5, with or without padding and line breaks), or as a data URL.

    It is decoded as it arrives, so that only the picture is kept.
    """

    def __init__(self, received: Received) -> None:
        self._received = received
        self._rest = b""
        self._is_past_prefix = False
        self._is_padded = False

    def feed(self, piece: bytes) -> None:
        """Take what has come of it. Raises InvalidImage, UploadTooLarge."""
        text = self._rest + piece.translate(_STANDARD, _IGNORED)
        if not self._is_past_prefix:
            text = self._without_prefix(text)
        if self._is_past_prefix:
            whole = len(text) // 4 * 4
            self._decode(text[:whole])
            text = text[whole:]
        self._rest = text

    def close(self) -> None:
        """It has ended. Raises InvalidImage."""
        if self._rest and not self._is_past_prefix:
            raise _not_base64("it ends within the head of a data URL")
        self._decode(self._rest + b"=" * (-len(self._rest) % 4))

    def _without_prefix(self, text: bytes) -> bytes:
        """The text after the head of a data URL, when that is complete."""
        if not b"data:".startswith(text[:5].lower()):
            self._is_past_prefix = True
            return text
        head, comma, rest = text.partition(b",")
        if not comma:
            if len(text) > _MAX_PREFIX:
                raise _not_base64("a data URL is data:image/png;base64,…")
            return text
        if not head.lower().endswith(b";base64"):
            raise _not_base64("a data URL has to say ;base64 before its comma")
        self._is_past_prefix = True
        return rest

    def _decode(self, text: bytes) -> None:
        if not text:
            return
        if self._is_padded:
            raise _not_base64("something follows its padding")
        self._is_padded = text.endswith(b"=")
        try:
            self._received.add(self, binascii.a2b_base64(text, strict_mode=True))
        except binascii.Error as error:
            raise _not_base64("letters, digits, + and / are, with = at the end only") from error


def _not_base64(why: str) -> InvalidImage:
    return InvalidImage(f"{BASE64!r} is not Base64: {why}. Encode the bytes of the file itself, once.")
