"""PNG headers (W3C PNG, third edition): chunks are walked, nothing is inflated."""

import struct
import zlib
from collections.abc import Iterator

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import Header, truncated

MAX_CHUNKS = 50_000
"""Far more than any writer makes of 25 MB; walking more would let a file of empty chunks hold up the event loop."""

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type → bit depths that the specification allows (§11.2.1)."""


def read_size(body: bytes) -> tuple[int, int]:
    """Width and height as stored.

    Raises:
        InvalidImage: the file does not begin with a sound IHDR chunk.
    """
    if len(body) < 33:
        raise truncated()
    width, height, depth, colour, compression, filtering, interlace = struct.unpack_from(">IIBBBBB", body, 16)
    sound = (
        body[8:16] == b"\x00\x00\x00\x0dIHDR"
        and zlib.crc32(body[12:29]) == int.from_bytes(body[29:33], "big")
        and depth in _DEPTHS.get(colour, ())
        and (compression, filtering) == (0, 0)
        and interlace in (0, 1)
    )
    if not sound:
        raise InvalidImage("The PNG file's header chunk (IHDR) is damaged. Send the original file.")
    return width, height


def read_rest(body: bytes) -> Header:
    """Orientation and memory need; the whole file is there, down to IEND, and holds one picture.

    Raises:
        InvalidImage: animated, cut off, or of too many chunks.
    """
    turned, has_data = 1, False
    for kind, start, end in _chunks(body):
        if kind == b"acTL" and not has_data:
            raise InvalidImage("The PNG file is animated. Send a single still picture.")
        if kind == b"eXIf":
            turned = orientation(body[start:end])
        has_data |= kind == b"IDAT"
    if not has_data:
        raise truncated()
    return Header(turned, decode_bytes=12 if body[24] == 16 else 8)


def _chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's type with start and end of its data, until IEND."""
    at = 8
    for _ in range(MAX_CHUNKS):
        if at + 12 > len(body):
            raise truncated()
        length, kind = struct.unpack_from(">I4s", body, at)
        start, at = at + 8, at + 12 + length
        if at > len(body):
            raise truncated()
        if kind == b"IEND":
            return
        yield kind, start, start + length
    raise InvalidImage(f"The PNG file has more than {MAX_CHUNKS:,} chunks. Save it again with fewer.")
