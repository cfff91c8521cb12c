"""The table of image formats that the service reads and writes."""

import re
from enum import Enum
from typing import NamedTuple


class _Facts(NamedTuple):
    """Of one format; see `ImageFormat`."""

    media_type: str
    encode_bytes: int
    encode_s: float
    has_alpha: bool = True
    is_lossy: bool = True
    magic: re.Pattern[bytes] | None = None
    aliases: tuple[str, ...] = ()


class ImageFormat(Enum):
    """One format; a member's name is also Pillow's name for it, and in lower case the API's.

    Attributes:
        media_type: the IANA media type.
        encode_bytes: peak memory per pixel of composing the cut-out and writing it.
        encode_s: CPU seconds per megapixel from the upload to the file; admission corrects them by what it measures.
        has_alpha: whether it can be transparent.
        is_lossy: whether what is written in it has a quality.
        magic: pattern of a file's first bytes; None for a format that is only written.
        aliases: other media types in use.
    """

    PNG = _Facts(
        "image/png", 8, 0.08, is_lossy=False, magic=re.compile(rb"\x89PNG\r\n\x1a\n"), aliases=("image/x-png",)
    )
    JPEG = _Facts(
        "image/jpeg",
        8,
        0.04,
        has_alpha=False,
        magic=re.compile(rb"\xff\xd8\xff"),
        aliases=("image/jpg", "image/pjpeg"),
    )
    # 7 bytes where lossy WebP is possible; lossless WebP takes 24.
    WEBP = _Facts("image/webp", 24, 0.06, magic=re.compile(rb"RIFF.{4}WEBP", re.DOTALL))

    def __init__(self, *facts: object) -> None:
        named = _Facts(*facts)  # type: ignore[arg-type]  # the value of a member is one
        self.media_type = named.media_type
        self.encode_bytes = named.encode_bytes
        self.encode_s = named.encode_s
        self.has_alpha = named.has_alpha
        self.is_lossy = named.is_lossy
        self.magic = named.magic
        self.aliases = named.aliases

    @classmethod
    def of(cls, body: bytes) -> "ImageFormat | None":
        """The input format that a file's first bytes belong to, whatever its name or Content-Type says."""
        return next((each for each in cls if each.magic and each.magic.match(body)), None)


INPUTS = tuple(each for each in ImageFormat if each.magic)
OUTPUTS = tuple(sorted(ImageFormat, key=lambda each: not each.has_alpha))
"""The most wanted first: PNG, and every other format with transparency before those without."""
