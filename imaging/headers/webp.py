"""WebP headers (RFC 9649): RIFF chunks are walked, nothing is decoded."""

import struct
from collections.abc import Iterator

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import Header, truncated

MAX_CHUNKS = 1_024
_ANIMATION_FLAG = 0x02
_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_SIGNATURE = 0x2F


def read_size(body: bytes) -> tuple[int, int]:
    """Width and height as stored, from whichever of the three bitstream headers comes first.

    Raises:
        InvalidImage: none of them comes first.
    """
    if len(body) < 30:
        raise truncated()
    kind, data = body[12:16], body[20:30]
    if kind == b"VP8X":
        return _plus_one(data[4:7]), _plus_one(data[7:10])
    if kind == b"VP8 " and data[3:6] == _LOSSY_START:
        width, height = struct.unpack_from("<HH", data, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and data[0] == _LOSSLESS_SIGNATURE:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    raise InvalidImage("The WebP file's first chunk is none of VP8, VP8L, VP8X, or is damaged. Send the original file.")


def read_rest(body: bytes) -> Header:
    """Orientation and memory need; the whole file is there and holds one picture.

    Raises:
        InvalidImage: animated, cut off, or of too many chunks.
    """
    turned = 1
    for kind, start, end in _chunks(body):
        if kind in (b"ANIM", b"ANMF") or (kind == b"VP8X" and body[start] & _ANIMATION_FLAG):
            raise InvalidImage("The WebP file is animated. Send a single still picture.")
        if kind == b"EXIF":
            turned = orientation(body[start:end].removeprefix(b"Exif\x00\x00"))
    return Header(turned, decode_bytes=8)


def _plus_one(field: bytes) -> int:
    return int.from_bytes(field, "little") + 1


def _chunks(body: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name with start and end of its data, within the size that the RIFF header states."""
    stated = 8 + int.from_bytes(body[4:8], "little")
    if stated > len(body):
        raise truncated()
    at = 12
    for _ in range(MAX_CHUNKS):
        if at + 8 > stated:
            return
        kind, length = struct.unpack_from("<4sI", body, at)
        start, end = at + 8, at + 8 + length
        if end > stated:
            raise truncated()
        yield kind, start, end
        at = end + length % 2
    raise InvalidImage(f"The WebP file has more than {MAX_CHUNKS:,} chunks. Save it again with fewer.")
