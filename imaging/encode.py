"""The cut-out to bytes: pixels only, no metadata of any kind."""

import struct
from collections.abc import Iterator

import numpy as np
from isal import isal_zlib

from imaging import webp_writer
from imaging.bands import bands
from imaging.formats import ImageFormat
from imaging.picture import Pixels

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_RGBA_8_BITS = struct.pack(">BBBBB", 8, 6, 0, 0, 0)
_UP = 2
_DEFLATE_LEVEL = 1


def encode(rgba: Pixels, format: ImageFormat) -> bytes:
    """Encode uint8 [H,W,4] as PNG (lossless) or WebP (quality 90 where it can be, alpha lossless).

    Raises:
        ValueError: the format has no transparency.
        ProcessingFailed: libwebp refused the picture.
    """
    if format is ImageFormat.PNG:
        return b"".join(_png(rgba))
    if format is ImageFormat.WEBP:
        return webp_writer.encode(rgba)
    raise ValueError(f"a cut-out cannot be written as {format.name}")


def _png(rgba: Pixels) -> Iterator[bytes]:
    """The file in pieces (W3C PNG §5): every line by filter type Up, deflated by Intel's ISA-L."""
    height, width = rgba.shape[:2]
    yield _PNG_SIGNATURE
    yield _chunk(b"IHDR", struct.pack(">II", width, height) + _RGBA_8_BITS)
    stream = isal_zlib.compressobj(_DEFLATE_LEVEL)
    lines = rgba.reshape(height, width * 4)
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
