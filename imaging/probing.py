"""Reads format and size of an upload from its headers; no pixel is decoded, so any file may be probed."""

from contextlib import suppress
from dataclasses import dataclass

from errors import InvalidImage
from imaging.foreign import foreign
from imaging.formats import ImageFormat
from imaging.headers import jpeg, png, webp
from imaging.headers.header import Truncated

_SIZE = {ImageFormat.PNG: png.read_size, ImageFormat.JPEG: jpeg.read_size, ImageFormat.WEBP: webp.read_size}
_REST = {
    ImageFormat.PNG: png.scan_structure,
    ImageFormat.JPEG: jpeg.scan_structure,
    ImageFormat.WEBP: webp.scan_structure,
}


@dataclass(frozen=True, slots=True)
class ImageInfo:
    """A file's picture before it is decoded.

    Attributes:
        width, height: pixels of the upright picture, as the answer will have them.
        orientation: 1 to 8 (Exif); from 5 on the stored picture lies on its side.
        decode_bytes: bytes of memory per pixel that decoding takes at its peak.
    """

    format: ImageFormat
    width: int
    height: int
    orientation: int
    decode_bytes: int

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as they stand in the file, before the picture is turned upright."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


def probe(body: bytes, declared: ImageFormat, max_side: int) -> ImageInfo:
    """Check a file by its headers: it has the declared format, is complete, not animated, and within the limits.

    Raises:
        InvalidImage: says what is wrong and what would be right.
    """
    _check_format(body, declared)
    width, height = _SIZE[declared](body)
    _check_size(width, height, max_side)
    header = _REST[declared](body)
    if header.orientation >= 5:
        width, height = height, width
    return ImageInfo(declared, width, height, header.orientation, header.decode_bytes)


def judge_beginning(beginning: bytes, declared: ImageFormat, max_side: int) -> None:
    """Check the received beginning of a file; an incomplete file is not refused.

    Raises:
        InvalidImage: `probe` would refuse the file in any case.
    """
    with suppress(Truncated):
        probe(beginning, declared, max_side)


def _check_format(body: bytes, declared: ImageFormat) -> None:
    if not body:
        raise InvalidImage("The body is empty. Send the bytes of a PNG, JPEG or WebP image.")
    found = ImageFormat.of(body)
    if found is None:
        raise _not_an_image(body, declared)
    if found is not declared:
        raise InvalidImage(
            f"Content-Type says {declared.media_type}, but the body is a {found.name} image. "
            f"Send it with Content-Type: {found.media_type}."
        )


def _not_an_image(body: bytes, declared: ImageFormat) -> InvalidImage:
    known = foreign(body)
    if known is None:
        return InvalidImage(
            f"The body is not a {declared.name} file: its first bytes do not match. Send the original file unmodified."
        )
    return InvalidImage(f"The body is {known.name}, which is not supported. {known.advice}")


def _check_size(width: int, height: int, max_side: int) -> None:
    if not (0 < width <= max_side and 0 < height <= max_side):
        raise InvalidImage(f"The image is {width} x {height} pixels. Each side must have 1 to {max_side} pixels.")
