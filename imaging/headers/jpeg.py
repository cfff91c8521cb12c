"""JPEG headers (ITU-T T.81 annex B): segments and scans are walked, nothing is decoded."""

import re
import struct
from collections.abc import Iterator

from errors import InvalidImage
from imaging.headers.exif import orientation
from imaging.headers.header import Header, truncated

MAX_SCANS = 64
MAX_SCAN_MEGAPIXELS = 2_000.0
"""Every scan passes over the whole picture, about 0.8 ms per megapixel, and libjpeg cannot be interrupted: a file of
400 kB with 200 scans of 100 megapixels takes 16 s. Cameras write 1 to 3 scans, progressive files 6 to 10."""

MAX_SEGMENTS = 4_096
"""A bound for the walk; ICC profiles and preview pictures make some hundred segments at most."""

_MARKER = re.compile(rb"\xff([^\x00\x01\xd0-\xd8\xff])")
"""The next marker that begins a segment or ends the picture: no stuffed byte, no restart marker, no filling."""

_SOS, _EOI, _APP1 = 0xDA, 0xD9, 0xE1
_FRAMES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA}
_UNSUPPORTED_FRAMES = {0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF}
_PROGRESSIVE = {0xC2, 0xCA}


def read_size(body: bytes) -> tuple[int, int]:
    """Width and height as stored.

    Raises:
        InvalidImage: no frame header of a kind that we decode comes before the pixels.
    """
    marker, start = _frame(body)
    precision, height, width = struct.unpack_from(">BHH", body, start)
    if marker in _UNSUPPORTED_FRAMES:
        raise InvalidImage("The JPEG file is hierarchical or arithmetic-lossless. Send a baseline or progressive one.")
    if precision != 8:
        raise InvalidImage(f"The JPEG file has {precision} bits per sample. Send one with 8.")
    return width, height


def read_rest(body: bytes) -> Header:
    """Orientation and memory need; the whole picture is there, and its scans can be decoded in bounded time.

    Raises:
        InvalidImage: cut off, too many scans or too many segments.
    """
    marker, frame = _frame(body)
    _, height, width, components = struct.unpack_from(">BHHB", body, frame)
    most = min(MAX_SCANS, int(MAX_SCAN_MEGAPIXELS / (width * height / 1e6)))
    turned, scans = None, 0
    for kind, start, end in _segments(body):
        scans += kind == _SOS
        if scans > most:
            raise InvalidImage(f"The JPEG file has more than {most} scans. Save it again as baseline or progressive.")
        if kind == _APP1 and turned is None and body.startswith(b"Exif\x00\x00", start):
            turned = orientation(body[start + 6 : end])
    return Header(turned or 1, decode_bytes=_decode_bytes(components, is_progressive=marker in _PROGRESSIVE))


def _decode_bytes(components: int, *, is_progressive: bool) -> int:
    """Progressive files keep all 16-bit coefficients; four-colour ones pass through Pillow's own copies."""
    return (2 * components if is_progressive else 0) + (14 if components == 4 else 4)


def _frame(body: bytes) -> tuple[int, int]:
    """The frame header's marker and where its data starts."""
    for kind, start, end in _segments(body):
        if kind in _FRAMES | _UNSUPPORTED_FRAMES and end - start >= 6:
            return kind, start
        if kind == _SOS:
            break
    raise InvalidImage("The JPEG file has no frame header before its pixels. Send the original file.")


def _segments(body: bytes) -> Iterator[tuple[int, int, int]]:
    """Each segment's marker with start and end of its data, until the end of the picture.

    Coded pixels after a scan's header are passed over; what follows the picture (a second picture, a film, garbage)
    is never looked at.
    """
    at = 2
    for _ in range(MAX_SEGMENTS):
        found = _MARKER.search(body, at)
        if found is None:
            raise truncated()
        marker, start = found[1][0], found.end() + 2
        if marker == _EOI:
            return
        at = found.end() + int.from_bytes(body[found.end() : start], "big")
        if not start <= at <= len(body):
            raise truncated()
        yield marker, start, at
    raise InvalidImage(f"The JPEG file has more than {MAX_SEGMENTS:,} segments. Save it again with fewer.")
