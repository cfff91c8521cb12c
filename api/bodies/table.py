"""Which form has which media type."""

from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.datastructures import Headers

from api.bodies.json_text import JsonText
from api.bodies.multipart import Multipart
from api.bodies.raw import Raw
from api.bodies.received import Received
from api.form import MULTIPART, is_json, media_type_of


class Form(Protocol):
    """Reads one body, piece by piece.

    Attributes:
        has_fields: whether options can stand in the body, beside the query's.
    """

    has_fields: bool

    def feed(self, piece: bytes) -> bool:
        """Take a piece; whether more is needed. Raises BadRequest, UnsupportedMediaType, UploadTooLarge."""
        ...

    def close(self) -> None:
        """The body has ended. Raises BadRequest."""
        ...


Forms = Mapping[str, Callable[[Headers, Received], Form]]

FORMS: Forms = {MULTIPART: Multipart, "application/json": JsonText}
"""By media type; every other body is the picture itself, or refused."""


def form_of(headers: Headers, received: Received, forms: Forms = FORMS) -> Form:
    """What reads the body that has these header fields. Raises BadRequest."""
    media_type = "application/json" if is_json(headers) else media_type_of(headers)
    return forms.get(media_type, Raw)(headers, received)
