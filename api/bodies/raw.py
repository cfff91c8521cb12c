"""The body is the picture itself."""

from starlette.datastructures import Headers

from api.bodies.received import Received
from api.form import check_type


class Raw:
    """Reads a body that is the picture; a quote needs only its beginning."""

    has_fields = False

    def __init__(self, headers: Headers, received: Received) -> None:
        self._headers = headers
        self._received = received

    def feed(self, piece: bytes) -> bool:
        """Read a piece; returns whether more is needed. Raises UnsupportedMediaType, UploadTooLarge."""
        if not self._received.size:
            check_type(self._headers)
        self._received.add(self, piece)
        return self._received.is_whole

    def close(self) -> None:
        """The body has ended."""
