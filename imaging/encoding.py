"""Encodes the cut-out: only pixels, no metadata."""

import struct
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO

import cv2
import numpy as np
import simplejpeg
from isal import isal_zlib

from imaging.bands import bands
from imaging.formats import ImageFormat
from imaging.output import Output
from imaging.picture import Pixels
from imaging.webp import writer

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}
"""Of PNG, by channels (W3C PNG §11.2.1)."""
_UP = 2
_DEFLATE_LEVEL = 1

_JPEG_QUALITY = 90


def encode(pixels: Pixels, output: Output) -> bytes:
    """Encode uint8 [H,W,4] with alpha, [H,W,3] without, or [H,W] grey, in the format and quality of the output.

    The pixels' memory is used.

    Raises:
        ValueError: pixels with alpha, and a format without.
        ProcessingFailed: libwebp refused the picture.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 4 and not output.format.has_alpha:
        raise ValueError(f"{output.format.name} has no transparency")
    return _ENCODERS[output.format](pixels, output.quality)


def _webp(pixels: Pixels, quality: int | None) -> bytes:
    """Quality 90 where that is possible, and lossless alpha; grey is lossless unless a quality is given."""
    if pixels.ndim == 2:
        grey = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGB), np.uint8)
        return writer.encode_lossless(grey) if quality is None else writer.encode(grey, quality)
    return writer.encode(pixels, quality)


def _jpeg(pixels: Pixels, quality: int | None) -> bytes:
    """Full colour resolution: the edge of a subject on a plain background shows anything less."""
    if pixels.ndim == 2:
        return bytes(simplejpeg.encode_jpeg(pixels[..., None], quality or _JPEG_QUALITY, "GRAY", "Gray"))
    return bytes(simplejpeg.encode_jpeg(pixels, quality or _JPEG_QUALITY, "RGB", "444"))


def _png(pixels: Pixels, _quality: int | None) -> bytes:
    """The file, whose pieces are not kept beside it."""
    file = BytesIO()
    file.writelines(_pieces(pixels))
    return file.getvalue()


def _pieces(pixels: Pixels) -> Iterator[bytes]:
    """Of a PNG (W3C PNG §5): every line by filter type Up, deflated by Intel's ISA-L."""
    height, width = pixels.shape[:2]
    channels = pixels.size // (height * width)
    yield _PNG_SIGNATURE
    yield _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPE[channels], 0, 0, 0))
    stream = isal_zlib.compressobj(_DEFLATE_LEVEL)
    lines = pixels.reshape(height, width * channels)
    for rows in bands(height, width):
        yield _chunk(b"IDAT", stream.compress(_filter_up(lines, rows)))
    yield _chunk(b"IDAT", stream.flush())
    yield _chunk(b"IEND", b"")


def _filter_up(lines: Pixels, rows: slice) -> Pixels:
    """Each line less the one above it, its filter type in front (W3C PNG §9.2); above the first is zero."""
    filtered = np.empty((rows.stop - rows.start, lines.shape[1] + 1), np.uint8)
    filtered[:, 0] = _UP
    if rows.start == 0:
        filtered[0, 1:] = lines[0]
    first = max(rows.start, 1)
    np.subtract(lines[first : rows.stop], lines[first - 1 : rows.stop - 1], out=filtered[first - rows.start :, 1:])
    return filtered


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", isal_zlib.crc32(kind + data))


_ENCODERS: Mapping[ImageFormat, Callable[[Pixels, int | None], bytes]] = {
    ImageFormat.PNG: _png,
    ImageFormat.JPEG: _jpeg,
    ImageFormat.WEBP: _webp,
}
"""Pixels, and a quality from 1 to 100 or None for our own, to a file without metadata."""
