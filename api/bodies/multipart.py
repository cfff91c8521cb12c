"""`multipart/form-data` (RFC 7578): the picture is one part, options are further parts."""

import logging

from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers

from api.bodies.received import FILE, Received
from api.bodies.values import Value, value_of
from errors import BadRequest

logging.getLogger("python_multipart").setLevel(logging.ERROR)  # its warnings quote the request

_MAX_PARTS = 64
_MAX_HEADERS = 8
_MAX_HEADER_BYTES = 2_048


class Multipart:
    """Reads a form. It ignores a part's type: clients guess it from the file name; the first bytes decide."""

    has_fields = True

    def __init__(self, headers: Headers, received: Received) -> None:
        self._received = received
        self._value: Value | None = None
        self._header: tuple[bytes, bytes] = (b"", b"")
        self._name: str | None = None
        self._parts = 0
        self._has_ended = False
        self._parser = self._parser_of(headers.get("content-type", ""))

    def feed(self, piece: bytes) -> bool:
        """Parse a piece. Always returns that more is needed, because options may follow the picture.

        Raises:
            BadRequest: not a form, too many parts, or two pictures.
            UploadTooLarge: a part is too large.
        """
        try:
            self._parser.write(piece)
        except FormParserError as error:
            raise _malformed("it does not follow RFC 7578, or a part's header is too long") from error
        return True

    def close(self) -> None:
        """The body has ended. Raises BadRequest if the form is incomplete."""
        if not self._has_ended:
            raise _malformed("it ends before its last boundary")

    def _parser_of(self, content_type: str) -> MultipartParser:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise _malformed("Content-Type names no boundary")
        try:
            return MultipartParser(
                boundary,
                {
                    "on_part_begin": self._on_part_begin,
                    "on_header_field": self._on_header_field,
                    "on_header_value": self._on_header_value,
                    "on_header_end": self._on_header_end,
                    "on_headers_finished": self._on_headers_finished,
                    "on_part_data": self._on_part_data,
                    "on_part_end": self._on_part_end,
                    "on_end": self._on_end,
                },
                max_header_count=_MAX_HEADERS,
                max_header_size=_MAX_HEADER_BYTES,
            )
        except FormParserError as error:
            raise _malformed("its boundary is too long") from error

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MAX_PARTS:
            raise BadRequest(f"A form may have up to {_MAX_PARTS} parts.")
        self._name = None

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0] + data[start:end], b"")

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header = (self._header[0], self._header[1] + data[start:end])

    def _on_header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            found = parse_options_header(value)[1].get(b"name")
            self._name = None if found is None else found.decode(errors="replace")
        self._header = (b"", b"")

    def _on_headers_finished(self) -> None:
        if self._name is None:
            raise _malformed('a part has no Content-Disposition: form-data; name="…"')
        self._value = value_of(self._name, self._received)

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._value is not None:
            self._value.feed(data[start:end])

    def _on_part_end(self) -> None:
        if self._value is not None:
            self._value.close()
        self._value = None

    def _on_end(self) -> None:
        self._has_ended = True


def _malformed(why: str) -> BadRequest:
    return BadRequest(
        f"Invalid form (multipart/form-data): {why}. Use your HTTP library to build it, with the image as the part "
        f"{FILE!r}."
    )
