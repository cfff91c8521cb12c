"""A picture file: its bytes, and its media type by its first bytes, not by its name."""

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from clearcanvas.errors import PictureRefused

MAX_BYTES = 25_000_000
HEAD_BYTES = 16
_FOREIGN = {b"GIF8": "GIF", b"BM": "BMP", b"II*\x00": "TIFF", b"MM\x00*": "TIFF"}
_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIF", b"avif": "AVIF"}


def media_type(head: bytes) -> str | None:
    """The media type by a file's first bytes; None for anything but JPEG, PNG and WebP."""
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return None


@dataclass(frozen=True)
class Picture:
    """A PNG, JPEG or WebP file of at most 25,000,000 bytes.

    Attributes:
        content: the unchanged file.
        media_type: for `Content-Type`.
        name: for messages and receipts.
    """

    content: bytes = field(repr=False)
    media_type: str
    name: str

    @cached_property
    def sha256(self) -> str:
        """Digest of the bytes, in hex."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def of(cls, content: bytes, name: str = "picture") -> "Picture":
        """Check size and first bytes as the service does.

        Raises:
            PictureRefused: not a JPEG, PNG or WebP file, or too large.
        """
        if len(content) > MAX_BYTES:
            raise PictureRefused(f"{name} has {len(content):,} bytes; the service accepts up to {MAX_BYTES:,}.")
        kind = media_type(content[:HEAD_BYTES])
        if kind is None:
            raise PictureRefused(f"{name} is {_what(content[:HEAD_BYTES])}. Send a JPEG, PNG or WebP file.")
        return cls(content, kind, name)

    @classmethod
    def read(cls, path: Path) -> "Picture":
        """Read the file at `path`, whatever its extension.

        Raises:
            PictureRefused: as in `of`, or the file cannot be read.
        """
        try:
            if path.stat().st_size > MAX_BYTES:
                raise PictureRefused(
                    f"{path} has {path.stat().st_size:,} bytes; the service accepts up to {MAX_BYTES:,}."
                )
            content = path.read_bytes()
        except OSError as error:
            raise PictureRefused(f"{path} cannot be read: {error.strerror}.") from None
        return cls.of(content, str(path))


def _what(head: bytes) -> str:
    """The kind of file by its first bytes, for the error message."""
    if not head:
        return "empty"
    kind = _BRANDS.get(head[8:12]) if head[4:8] == b"ftyp" else None
    kind = kind or next((name for start, name in _FOREIGN.items() if head.startswith(start)), None)
    return f"a {kind} file" if kind else "not a picture"
