"""The image formats the service knows: what they are called, how their files begin, what they can hold."""

import re
from enum import Enum


class ImageFormat(Enum):
    """One format; a member's name is also Pillow's name for it.

    Attributes:
        media_type: the IANA media type.
        aliases: other names of it that are in use.
        magic: pattern of a file's first bytes.
        has_alpha: whether it can be transparent.
        is_lossy: whether what is written in it has a quality.
    """

    PNG = "image/png", ("image/x-png",), re.compile(rb"\x89PNG\r\n\x1a\n"), True, False
    JPEG = "image/jpeg", ("image/jpg", "image/pjpeg"), re.compile(rb"\xff\xd8\xff"), False, True
    WEBP = "image/webp", (), re.compile(rb"RIFF.{4}WEBP", re.DOTALL), True, True

    def __init__(
        self, media_type: str, aliases: tuple[str, ...], magic: re.Pattern[bytes], has_alpha: bool, is_lossy: bool
    ) -> None:
        self.media_type = media_type
        self.aliases = aliases
        self.magic = magic
        self.has_alpha = has_alpha
        self.is_lossy = is_lossy

    @classmethod
    def of(cls, body: bytes) -> "ImageFormat | None":
        """The format that a file's first bytes belong to, whatever its name or Content-Type says."""
        return next((each for each in cls if each.magic.match(body)), None)
