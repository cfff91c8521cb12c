"""What a body brings, whatever its form: one picture, or the URL of one, and named fields."""

from collections.abc import Callable

from errors import BadRequest, UploadTooLarge

FILE, BASE64, URL = "image_file", "image_file_b64", "image_url"
"""The fields that name a picture, as remove.bg and most others call them."""

MAX_TEXT_BYTES = 16_384
"""Of one field that is not the picture."""

MAX_TEXTS_BYTES = 65_536
"""Of all of them."""

_MAX_FIELDS = 64


class Received:
    """Takes what a form reads, within bounds.

    Args:
        take: told of bytes before they are kept; may refuse them.
        max_bytes: the size of a picture.
        kept_bytes: how much of the picture is kept; None for all of it. The rest is counted only.

    Attributes:
        size: bytes of the picture that have come.
        url: of the picture, where that was sent in its place.
        fields: the others by name, in order; a name may come twice.
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
        """What has been kept of it."""
        return b"".join(self._pieces)

    @property
    def is_whole(self) -> bool:
        """Whether that is all of it."""
        return self._kept_bytes is None or self.size <= self._kept_bytes

    def add(self, source: object, piece: bytes) -> None:
        """Take a piece of the picture.

        Args:
            source: whatever holds the picture in the form: two of them are two pictures.

        Raises:
            BadRequest: a second picture.
            UploadTooLarge: it is larger than allowed.
        """
        if not piece:
            return
        self._claim(source)
        kept = piece if self._kept_bytes is None else piece[: max(0, self._kept_bytes - self.size)]
        self.size += len(piece)
        if self.size > self._max_bytes:
            raise UploadTooLarge(f"An image may have up to {self._max_bytes} bytes.")
        if kept:
            self._take(len(kept))
            self._pieces.append(kept)

    def count_text(self, size: int) -> None:
        """Take so many bytes of fields. Raises UploadTooLarge."""
        self._text_bytes += size
        if self._text_bytes > MAX_TEXTS_BYTES:
            raise UploadTooLarge(f"All fields beside the image may have up to {MAX_TEXTS_BYTES} bytes.")
        self._take(size)

    def name(self, name: str, value: str) -> None:
        """Take a field. One that names no picture because it is empty counts for nothing.

        Raises:
            BadRequest: a second picture, or too many fields.
        """
        if name == URL:
            if value:
                self._claim(value)
                self.url = value
            return
        if len(self.fields) == _MAX_FIELDS:
            raise BadRequest(f"A request may have up to {_MAX_FIELDS} fields.")
        self.fields.append((name, value))

    def _claim(self, source: object) -> None:
        if self._source is None:
            self._source = source
        elif self._source is not source:
            raise BadRequest(f"More than one image was sent. Send one of {FILE}, {BASE64} and {URL}, once.")
