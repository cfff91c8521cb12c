"""The content of a body in any form: one picture or its URL, and named fields."""

from collections.abc import Callable

from errors import BadRequest, UploadTooLarge

FILE, BASE64, URL = "image_file", "image_file_b64", "image_url"
"""The fields of a picture, named as in remove.bg and most other services."""

MAX_TEXT_BYTES = 16_384
"""Limit of one field that is not the picture."""

MAX_TEXTS_BYTES = 65_536
"""Limit of all these fields."""

_MAX_FIELDS = 64


class Received:
    """Collects the parsed content of a body, within limits.

    Args:
        take: called before bytes are kept; may refuse them.
        max_bytes: limit of the picture.
        kept_bytes: how many bytes of the picture are kept; None for all. The rest is only counted.

    Attributes:
        size: received bytes of the picture.
        url: URL of the picture, if the body has that instead.
        fields: other fields by name, in order; names may repeat.
    """

    def __init__(self, take: Callable[[int], None], *, max_bytes: int, kept_bytes: int | None = None) -> None:
        self._take = take
        self._max_bytes = max_bytes
        self._kept_bytes = kept_bytes
        self._pieces: list[bytes] = []
        self._source: object | None = None
        self._text_bytes = 0
        self.size = 0
        self.url: str | None = None
        self.fields: list[tuple[str, str]] = []

    @property
    def picture(self) -> bytes:
        """The kept bytes of the picture."""
        return b"".join(self._pieces)

    @property
    def is_whole(self) -> bool:
        """Whether `picture` holds all received bytes."""
        return self._kept_bytes is None or self.size <= self._kept_bytes

    def add(self, source: object, piece: bytes) -> None:
        """Add a piece of the picture.

        Args:
            source: the part of the form that holds it; two sources are two pictures.

        Raises:
            BadRequest: a second picture.
            UploadTooLarge: it exceeds the limit.
        """
        if not piece:
            return
        self._claim(source)
        kept = piece if self._kept_bytes is None else piece[: max(0, self._kept_bytes - self.size)]
        self.size += len(piece)
        if self.size > self._max_bytes:
            raise UploadTooLarge(f"The image exceeds the limit of {self._max_bytes} bytes.")
        if kept:
            self._take(len(kept))
            self._pieces.append(kept)

    def count_text(self, size: int) -> None:
        """Count bytes of fields. Raises UploadTooLarge."""
        self._text_bytes += size
        if self._text_bytes > MAX_TEXTS_BYTES:
            raise UploadTooLarge(f"The fields besides the image exceed the limit of {MAX_TEXTS_BYTES} bytes.")
        self._take(size)

    def name(self, name: str, value: str) -> None:
        """Add a field. An empty picture field is ignored.

        Raises:
            BadRequest: a second picture, or too many fields.
        """
        if name == URL:
            if value:
                self._claim(value)
                self.url = value
            return
        if len(self.fields) == _MAX_FIELDS:
            raise BadRequest(f"The request exceeds the limit of {_MAX_FIELDS} fields.")
        self.fields.append((name, value))

    def _claim(self, source: object) -> None:
        if self._source is None:
            self._source = source
        elif self._source is not source:
            raise BadRequest(f"The request has more than one image. Send one of {FILE}, {BASE64} and {URL}, once.")
