"""File types other than PNG, JPEG and WebP, recognized by their first bytes, with advice for the sender."""

import re
from dataclasses import dataclass

_CONVERT = "Convert it to PNG, JPEG or WebP and send that."
_RENDER = "Render it to PNG and send that."
_RAW = "Send the bytes of the file itself as the body."
_PAGE = "Send the image, not a page about it."
LOOKED_AT = 1_024
"""Number of first bytes."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """An unsupported type of body.

    Attributes:
        name: with its article, for a sentence.
        advice: one sentence.
        magic: pattern of its first bytes.
        media_types: values of `Content-Type`.
    """

    name: str
    advice: str
    magic: re.Pattern[bytes]
    media_types: tuple[str, ...] = ()


def _kind(name: str, advice: str, magic: bytes, *media_types: str) -> Foreign:
    return Foreign(name, advice, re.compile(magic, re.DOTALL | re.IGNORECASE), media_types)


FOREIGN = (
    _kind("an AVIF image", _CONVERT, rb".{4}ftypavi[fs]", "image/avif"),
    _kind("a HEIC image", _CONVERT, rb".{4}ftyp(hei|hev|mif1|msf1)", "image/heic", "image/heif"),
    _kind("a video", "Send a single still image.", rb".{4}ftyp", "video/mp4", "video/quicktime"),
    _kind("a GIF image", _CONVERT, rb"GIF8[79]a", "image/gif"),
    _kind("a TIFF image", _CONVERT, rb"II\*\x00|MM\x00\*", "image/tiff"),
    _kind("a BMP image", _CONVERT, rb"BM.{4}\x00{4}", "image/bmp"),
    _kind("a JPEG XL image", _CONVERT, rb"\xff\x0a|\x00{3}\x0cJXL ", "image/jxl"),
    _kind("a PDF document", _RENDER, rb"\s*%PDF-", "application/pdf"),
    _kind("an SVG drawing", _RENDER, rb"\s*(<\?xml.{0,800})?<svg\b", "image/svg+xml"),
    _kind("an HTML page", _PAGE, rb"\s*<(!doctype html|html|head|body)\b", "text/html"),
    _kind("a form (multipart)", _RAW, rb"--[^\r\n]{1,200}\r?\nContent-", "multipart/form-data"),
    _kind("Base64 text", f"Decode it. {_RAW}", rb"\s*(data:[^,]{0,200},|iVBORw0KGgo|/9j/|UklGR)"),
    _kind("a ZIP archive", _RAW, rb"PK\x03\x04", "application/zip"),
    _kind("JSON", _RAW, rb"\s*[{\[]\s*[\"\]}\[{0-9]"),
)
"""The more specific patterns come first."""


def foreign(body: bytes) -> Foreign | None:
    """The type of an unsupported body; None if it is not recognized."""
    return next((each for each in FOREIGN if each.magic.match(body[:LOOKED_AT])), None)


def foreign_type(media_type: str) -> Foreign | None:
    """The type for a media type in lower case without parameters."""
    return next((each for each in FOREIGN if media_type in each.media_types), None)
