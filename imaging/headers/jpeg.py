"""JPEG headers (ITU-T T.81 annex B): segments and scans are walked, nothing is decoded."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import MAX_METADATA, Header, truncated
from imaging.headers.jpeg_scans import Sent

MAX_SCANS = 64
MAX_SCAN_MEGAPIXELS = 2_000.0
"""Every scan passes over the whole picture, about 0.8 ms per megapixel, and libjpeg cannot be interrupted: a file of
400 kB with 200 scans of 100 megapixels takes 16 s. Cameras write 1 to 3 scans, progressive files 6 to 10."""

MAX_SEGMENTS = 4_096
"""A bound for the walk; ICC profiles and preview pictures make some hundred segments at most."""

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""The next marker that begins a segment or ends the picture: no stuffed byte, no restart marker, no filling."""

_SOI, _EOI = b"\xff\xd8", b"\xff\xd9"
_SOS, _END, _COM = 0xDA, 0xD9, 0xFE
_APP0, _APP1, _APP2, _APP14 = 0xE0, 0xE1, 0xE2, 0xEE
_NOT_PIXELS = frozenset({*range(0xE0, 0xF0), _COM, _END})
_JFIF, _ADOBE = b"JFIF\x00", b"Adobe"
_TRANSFORMS = (0, 1, 2)
"""None, YCbCr, YCCK; any other is as good as absent."""

_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA}
_UNSUPPORTED_FRAMES = {0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xCA}

_ICC = b"ICC_PROFILE\x00"


@dataclass(frozen=True, slots=True)
class _Segment:
    """A marker with the start and end of its data, and where the coded pixels that follow a scan's header end."""

    kind: int
    start: int
    end: int
    coded_end: int


def read_size(body: bytes) -> tuple[int, int]:
    """Width and height as stored.

    Raises:
        InvalidImage: no frame header of a kind that we decode comes before the pixels.
    """
    frame = _frame(body)
    precision, height, width = struct.unpack_from(">BHH", body, frame.start)
    if frame.kind in _UNSUPPORTED_FRAMES:
        raise InvalidImage("The JPEG file is hierarchical or arithmetic-lossless. Send a baseline or progressive one.")
    if precision != 8:
        raise InvalidImage(f"The JPEG file has {precision} bits per sample. Send one with 8.")
    return width, height


def components(body: bytes) -> int:
    """How many colour channels the picture has."""
    return body[_frame(body).start + 5]


def scan_structure(body: bytes) -> Header:
    """Orientation and memory need; every channel has a scan, and the scans can be decoded in bounded time.

    Raises:
        InvalidImage: scans are missing, or there are too many of them, or too many segments.
    """
    frame = _frame(body)
    _, height, width, channels = struct.unpack_from(">BHHB", body, frame.start)
    most = min(MAX_SCANS, int(MAX_SCAN_MEGAPIXELS / (width * height / 1e6)))
    exif, scans, has_end = None, 0, False
    is_progressive = frame.kind in _PROGRESSIVE
    sent = Sent(is_progressive)
    for segment in _segments(body):
        has_end |= segment.kind == _END
        if segment.kind == _SOS:
            scans += 1
            sent.add(body[segment.start : segment.end])
        if scans > most:
            raise InvalidImage(f"The JPEG file has more than {most} scans. Save it again as baseline or progressive.")
        if segment.kind == _APP1 and exif is None and body.startswith(b"Exif\x00\x00", segment.start):
            exif = body[segment.start + 6 : segment.end]
    if not sent.is_all(body[frame.start + 6 : frame.end : 3][:channels], has_end=has_end):
        raise truncated()
    return Header(orientation(exif or b""), decode_bytes=_decode_bytes(channels, is_progressive=is_progressive))


def _decode_bytes(channels: int, *, is_progressive: bool) -> int:
    """libjpeg keeps all 16-bit coefficients of a progressive file, beside the pixels and a digest of each. Of
    four-colour files the inks are held too, once the coefficients are gone."""
    return max(2 * channels + 5 if is_progressive else 0, 14 if channels == 4 else 8)


def pixels(body: bytes, filling: bytes = b"") -> bytes:
    """The file reduced to the parts that make its pixels, so that metadata cannot disturb the codec.

    Args:
        filling: put behind the coded pixels of every scan, where a codec that still wants data finds it.
    """
    parts = [_SOI, *_colour_segments(body)]
    for segment in _segments(body):
        if segment.kind not in _NOT_PIXELS:
            # A file that is cut off within a marker or a stuffed byte ends with half of it.
            parts += [bytes((0xFF, segment.kind)), body[segment.start - 2 : segment.coded_end].rstrip(b"\xff")]
        if segment.kind == _SOS:
            parts.append(filling)
    return b"".join([*parts, _EOI])


def _colour_segments(body: bytes) -> list[bytes]:
    """The two segments that say which colour transform the pixels went through, with nothing else in them."""
    transform, is_jfif = None, False
    for segment in _segments(body):
        length = segment.end - segment.start
        if segment.kind == _APP0 and body.startswith(_JFIF, segment.start) and length >= 14:
            is_jfif = True
        elif segment.kind == _APP14 and body.startswith(_ADOBE, segment.start) and length >= 12:
            transform = body[segment.start + 11]
        elif segment.kind == _SOS:
            break
    jfif = [b"\xff\xe0\x00\x10" + _JFIF + b"\x01\x01\x00\x00\x01\x00\x01\x00\x00"]
    adobe = [b"\xff\xee\x00\x0e" + _ADOBE + b"\x00\x64\x00\x00\x00\x00" + bytes((transform or 0,))]
    return jfif * is_jfif + adobe * (transform in _TRANSFORMS)


def profile(body: bytes) -> bytes | None:
    """The ICC profile (ICC.1 annex B.4), put together from its numbered parts; None where one is missing."""
    parts: dict[int, bytes] = {}
    stated = 0
    for segment in _segments(body):
        if segment.kind == _APP2 and body.startswith(_ICC, segment.start) and segment.end - segment.start > 14:
            number, stated = body[segment.start + 12], body[segment.start + 13]
            parts.setdefault(number, body[segment.start + 14 : segment.end])
        elif segment.kind == _SOS:
            break
    whole = b"".join(parts[number] for number in sorted(parts))
    return whole if parts.keys() == set(range(1, stated + 1)) and 0 < len(whole) <= MAX_METADATA else None


def _frame(body: bytes) -> _Segment:
    for segment in _segments(body):
        if segment.kind in _FRAMES | _UNSUPPORTED_FRAMES and segment.end - segment.start >= 6:
            return segment
        if segment.kind == _SOS:
            raise InvalidImage("The JPEG file has no frame header before its pixels. Send the original file.")
    raise truncated()


def _segments(body: bytes) -> Iterator[_Segment]:
    """Each segment until the end marker, which is the last, or until the end of the file.

    Data after the picture (a second picture, a video, garbage) is ignored, and so is a truncated segment.
    """
    found = _MARKER.search(body, 2)
    for _ in range(MAX_SEGMENTS):
        if found is None:
            return
        if found[1][0] == _END:
            yield _Segment(_END, found.end(), found.end(), found.end())
            return
        start = found.end() + 2
        end = found.end() + int.from_bytes(body[found.end() : start], "big")
        if not start <= end <= len(body):
            return
        kind = found[1][0]
        found = _MARKER.search(body, end)
        coded_end = end if kind != _SOS else len(body) if found is None else found.start()
        yield _Segment(kind, start, end, coded_end)
    raise InvalidImage(f"The JPEG file has more than {MAX_SEGMENTS:,} segments. Save it again with fewer.")
