"""PNG headers (W3C PNG, third edition): chunks are walked, nothing of the pixels is inflated."""

import struct
import zlib
from collections.abc import Iterator

import numpy as np

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import MAX_METADATA, Header, truncated

MAX_CHUNKS = 16_384
"""25 MB in the smallest pieces that common writers make (2 kB) are fewer; each costs about a microsecond to walk."""

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_IEND = b"\x00\x00\x00\x00IEND\xae\x42\x60\x82"
_ANCILLARY = 0x20
"""The bit of a chunk type's first letter that says that the pixels can be decoded without it (§5.4)."""

_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""Colour type → bit depths that the specification allows (§11.2.1)."""

_PALETTE = 3
_CHANNELS = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}
"""Colour type → channels, a palette's colours expanded."""

_OPAQUE = frozenset({0, 2, 3})
"""Colour types without alpha; a tRNS chunk adds it."""

_ADLER = 4
"""Bytes behind the deflated pixels that only check them."""

Chunk = tuple[bytes, int, int]
"""Type, start and end of the data; the end lies beyond the file where the file was cut off."""


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


def scan_structure(body: bytes) -> Header:
    """Orientation and memory need; the file holds pixels of one picture. Whether of all of it, the codec judges.

    Raises:
        InvalidImage: animated, pixels cut off, or of too many chunks.
    """
    frames, has_data, is_animation, exif = 0, False, False, None
    for kind, start, end in chunks(body):
        if kind == b"acTL" and not has_data:
            is_animation |= ancillary(body, start, end) is not None
        elif kind == b"fcTL":
            # The first frame may be the still picture itself; any other is one more.
            frames += 2 if has_data else 1
        elif kind == b"eXIf" and exif is None:
            exif = ancillary(body, start, end)
        if kind == b"IDAT":
            has_data = True
            if end - len(body) > _ADLER:
                raise truncated()
    if not has_data:
        raise truncated()
    if is_animation and frames > 1:
        raise InvalidImage("The PNG file is animated. Send a single still image.")
    return Header(orientation(exif or b""), decode_bytes=12 if body[24] == 16 else 8)


def pixels(body: bytes) -> bytes:
    """The file reduced to the chunks that make its pixels, so that metadata cannot disturb the codec.

    What is missing of the end is added: IEND, and the checksum of a last IDAT chunk that was cut off. Whether that
    chunk held enough is left to the codec.
    """
    parts, has_palette = [SIGNATURE], body[25] == _PALETTE
    for kind, start, end in chunks(body):
        if kind == b"IDAT" and end + 4 > len(body):
            parts.append(_closed(body[start:end]))
        elif end + 4 <= len(body) and _makes_pixels(kind, has_palette=has_palette):
            parts.append(body[start - 8 : end + 4])
    return b"".join([*parts, _IEND])


def samples(file: bytes) -> tuple[tuple[int, ...], type[np.uint8 | np.uint16]]:
    """Shape and type of what libpng makes of a sound file: palettes and transparent colours expanded."""
    width, height, depth, colour = struct.unpack_from(">IIBB", file, 16)
    has_transparent_colour = colour in _OPAQUE and any(kind == b"tRNS" for kind, _, _ in chunks(file))
    channels = _CHANNELS[colour] + has_transparent_colour
    shape = (height, width) if channels == 1 else (height, width, channels)
    return shape, np.uint16 if depth == 16 else np.uint8


def _makes_pixels(kind: bytes, *, has_palette: bool) -> bool:
    if kind == b"PLTE":
        return has_palette  # elsewhere it only proposes colours to screens that have few
    return kind == b"tRNS" or not kind[0] & _ANCILLARY


def _closed(data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + b"IDAT" + data + struct.pack(">I", zlib.crc32(b"IDAT" + data))


def ancillary(body: bytes, start: int, end: int) -> bytes | None:
    """A chunk's data; None if its checksum is wrong or it is too large."""
    if end - start > MAX_METADATA or zlib.crc32(body[start - 4 : end]) != int.from_bytes(body[end : end + 4], "big"):
        return None
    return body[start:end]


def chunks(body: bytes) -> Iterator[Chunk]:
    """Each chunk until IEND, or until the file ends.

    Raises:
        InvalidImage: more than `MAX_CHUNKS`.
    """
    at = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        if at + 8 > len(body):
            return
        length, kind = struct.unpack_from(">I4s", body, at)
        if kind == b"IEND":
            return
        start, at = at + 8, at + 12 + length
        yield kind, start, start + length
    raise InvalidImage(f"The PNG file has more than {MAX_CHUNKS:,} chunks. Save it again with fewer.")
