"""The picture as the body itself: the shortest form, and the one that a quote reads least of."""

from starlette.datastructures import Headers

from api.bodies.received import Received
from api.form import check_type


class Raw:
    """Reads a body that is the picture."""

    has_fields = False

    def __init__(self, headers: Headers, received: Received) -> None:
        self._headers = headers
        self._received = received

    def feed(self, piece: bytes) -> bool:
        """Take a piece; whether more is needed. Raises UnsupportedMediaType, UploadTooLarge."""
        if not self._received.size:
            check_type(self._headers)
        self._received.add(self, piece)
        return self._received.is_whole

    def close(self) -> None:
        """The body has ended, which can be anywhere."""
