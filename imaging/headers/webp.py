"""WebP headers (RFC 9649): RIFF chunks are walked, nothing is decoded."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import MAX_METADATA, Header, contradiction, truncated

MAX_CHUNKS = 1_024
_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_SIGNATURE = 0x2F
_ALPHA_FLAG = 0x10
_FRAME_HEADER = 16
_BITSTREAMS = (b"VP8 ", b"VP8L")

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Still:
    """The one picture of a file.

    Attributes:
        file: a WebP file of the chunks that make the pixels.
        size: width and height that its bitstream states.
        at: where it lies on the canvas; elsewhere than at (0, 0) only in an animation of one frame.
    """

    file: bytes
    size: Size
    at: tuple[int, int] = (0, 0)


def read_size(body: bytes) -> Size:
    """Width and height of the canvas, from whichever of the three headers comes first.

    Raises:
        InvalidImage: none of them comes first.
    """
    if len(body) < 20:
        raise truncated()
    kind, data = body[12:16], body[20:30]
    if kind == b"VP8X" and len(data) == 10:
        return _plus_one(data[4:7]), _plus_one(data[7:10])
    size = _bitstream_size(kind, data)
    if size is None:
        raise InvalidImage("The WebP file does not begin with a sound VP8, VP8L or VP8X chunk. Send the original file.")
    return size


def scan_structure(body: bytes) -> Header:
    """Orientation and memory need; the file holds one picture. Whether all of its pixels, the codec judges.

    Raises:
        InvalidImage: animated, pixels cut off, or of too many chunks.
    """
    frames = stills = 0
    exif = None
    for kind, start, end in _chunks(body, 12, _end(body)):
        frames += kind == b"ANMF"
        stills += kind in _BITSTREAMS
        if kind in (b"ANMF", *_BITSTREAMS) and end > len(body):
            raise truncated()
        if kind == b"EXIF" and exif is None and end - start <= MAX_METADATA:
            exif = body[start:end]
    if frames > 1:
        raise InvalidImage("The WebP file is animated. Send a single still image.")
    if not frames + stills:
        raise truncated()
    return Header(orientation((exif or b"").removeprefix(b"Exif\x00\x00")), decode_bytes=8)


def still(body: bytes) -> Still:
    """The picture without any metadata, so that none can disturb the codec.

    Raises:
        InvalidImage: the picture is not as large as its canvas, or does not lie within it.
    """
    canvas = read_size(body)
    begin, end = 12, _end(body)
    for kind, start, stop in _chunks(body, 12, end):
        if kind == b"ANMF":
            return _frame(body, start, min(stop, end), canvas)
        if kind in _BITSTREAMS:
            break
    picture = _rebuilt(body, begin, end, canvas)
    if picture.size != canvas:
        raise contradiction()
    return picture


def profile(body: bytes) -> bytes | None:
    """The ICC profile of the ICCP chunk, None where there is none."""
    for kind, start, end in _chunks(body, 12, _end(body)):
        if kind == b"ICCP":
            return body[start:end] if end <= len(body) and end - start <= MAX_METADATA else None
    return None


def _frame(body: bytes, start: int, end: int, canvas: Size) -> Still:
    """An animation's frame (§2.7.1.1): its place in units of two pixels, its size, and chunks of its own."""
    header = body[start : start + _FRAME_HEADER]
    if len(header) < _FRAME_HEADER:
        raise truncated()
    x, y = (2 * int.from_bytes(header[at : at + 3], "little") for at in (0, 3))
    stated = _plus_one(header[6:9]), _plus_one(header[9:12])
    picture = _rebuilt(body, start + _FRAME_HEADER, end, stated)
    if picture.size != stated or x + stated[0] > canvas[0] or y + stated[1] > canvas[1]:
        raise contradiction()
    return Still(picture.file, picture.size, (x, y))


def _rebuilt(body: bytes, begin: int, end: int, size: Size) -> Still:
    """A file around the first bitstream between two places, with the alpha that comes before it."""
    alpha = b""
    for kind, start, stop in _chunks(body, begin, end):
        data = body[start : min(stop, end)]
        if kind == b"ALPH":
            alpha = _chunk(kind, data)
        if kind in _BITSTREAMS:
            found = _bitstream_size(kind, data[:10])
            if found is None:
                raise truncated()
            with_alpha = _chunk(b"VP8X", _extended(size)) + alpha if alpha and kind == b"VP8 " else b""
            chunks = with_alpha + _chunk(kind, data)
            return Still(b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks, found)
    raise truncated()


def _extended(size: Size) -> bytes:
    width, height = (side - 1 for side in size)
    return bytes([_ALPHA_FLAG, 0, 0, 0]) + width.to_bytes(3, "little") + height.to_bytes(3, "little")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2)


def _bitstream_size(kind: bytes, data: bytes) -> Size | None:
    if kind == b"VP8 " and len(data) == 10 and data[3:6] == _LOSSY_START:
        width, height = struct.unpack_from("<HH", data, 6)
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L" and len(data) >= 5 and data[0] == _LOSSLESS_SIGNATURE:
        bits = int.from_bytes(data[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return None


def _plus_one(field: bytes) -> int:
    return int.from_bytes(field, "little") + 1


def _end(body: bytes) -> int:
    """Where the RIFF header says that the file ends, or where it does."""
    return min(8 + int.from_bytes(body[4:8], "little"), len(body))


def _chunks(body: bytes, at: int, stop: int) -> Iterator[tuple[bytes, int, int]]:
    """Each chunk's name with start and end of its data; the end lies beyond `stop` where the file was cut off."""
    for _ in range(MAX_CHUNKS):
        if at + 8 > stop:
            return
        kind, length = struct.unpack_from("<4sI", body, at)
        start, end = at + 8, at + 8 + length
        yield kind, start, end
        at = end + length % 2
    raise InvalidImage(f"The WebP file has more than {MAX_CHUNKS:,} chunks. Save it again with fewer.")
