"""The parsers by media type."""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.datastructures import Headers

from api.bodies.json_text import JsonText
from api.bodies.multipart import Multipart
from api.bodies.raw import Raw
from api.bodies.received import Received
from api.form import MULTIPART, is_json, media_type_of


class Form(Protocol):
    """Reads one body in pieces.

    Attributes:
        has_fields: whether the body can have options, besides the query.
    """

    has_fields: bool

    def feed(self, piece: bytes) -> bool:
        """Read a piece; returns whether more is needed. Raises BadRequest, UnsupportedMediaType, UploadTooLarge."""
        ...

    def close(self) -> None:
        """The body has ended. Raises BadRequest."""
        ...


Forms = Mapping[str, Callable[[Headers, Received], Form]]

FORMS: Forms = {MULTIPART: Multipart, "application/json": JsonText}
"""By media type; any other body is the picture itself, or is refused."""


def form_of(headers: Headers, received: Received, forms: Forms = FORMS) -> Form:
    """The parser for a body with these header fields. Raises BadRequest."""
    media_type = "application/json" if is_json(headers) else media_type_of(headers)
    return forms.get(media_type, Raw)(headers, received)
