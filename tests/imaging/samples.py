"""Pictures and files made in code, sound and hostile."""

import struct
import zlib
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image

from imaging.decoding import decode
from imaging.formats import ImageFormat
from imaging.picture import Picture, Pixels
from imaging.probing import probe

MAX_SIDE = 10_000


def scene(width: int = 60, height: int = 40, channels: int = 3, seed: int = 0) -> Pixels:
    """A soft random pattern, uint8 [height,width,channels], different in every corner."""
    rough = np.random.default_rng(seed).integers(0, 256, (4, 6, channels), dtype=np.uint8)
    return np.asarray(cv2.resize(rough, (width, height)), np.uint8).reshape(height, width, channels)


def opaque(rgb: Pixels) -> Picture:
    """A Picture of uint8 [H,W,3] without an alpha of its own."""
    return Picture(np.ascontiguousarray(np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])), has_alpha=False)


def saved(image: Image.Image | Pixels, format: ImageFormat, **options: Any) -> bytes:
    """The picture as a file, written by Pillow; lossless where the format can be, unless told otherwise."""
    defaults: dict[ImageFormat, dict[str, Any]] = {
        ImageFormat.JPEG: {"quality": 95},
        ImageFormat.WEBP: {"lossless": True},
    }
    file = BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(file, format.name, **(defaults.get(format, {}) | options))
    return file.getvalue()


def turned(format: ImageFormat, orientation: int, image: Image.Image | Pixels | None = None) -> bytes:
    """A file whose Exif block says how it is to be turned."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(scene() if image is None else image, format, exif=exif.tobytes())


def opened(body: bytes, format: ImageFormat) -> Picture:
    """Probe and decode, as the service does."""
    return decode(body, probe(body, format, MAX_SIDE))


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """One PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, depth: int, colour: int, data: bytes, before: bytes = b"") -> bytes:
    """A PNG file around filtered lines, with further chunks before them."""
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    pixels = png_chunk(b"IDAT", zlib.compress(data))
    return b"\x89PNG\r\n\x1a\n" + header + before + pixels + png_chunk(b"IEND", b"")


def with_chunk(body: bytes, kind: bytes, data: bytes) -> bytes:
    """A PNG file with one more chunk right after its header."""
    return body[:33] + png_chunk(kind, data) + body[33:]


def riff(kind: bytes, data: bytes) -> bytes:
    """A WebP file of one chunk."""
    return riff_chunks((kind, data))


def riff_chunks(*chunks: tuple[bytes, bytes], rest: bytes = b"") -> bytes:
    """A WebP file of these chunks, and of others that are made already."""
    padded = (kind + struct.pack("<I", len(data)) + data + b"\x00" * (len(data) % 2) for kind, data in chunks)
    whole = b"".join(padded) + rest
    return b"RIFF" + struct.pack("<I", 4 + len(whole)) + b"WEBP" + whole


def jpeg_segment(marker: int, data: bytes) -> bytes:
    """One JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(data)) + data


def empty_webp(width: int, height: int) -> bytes:
    """A lossless WebP header of any size with next to nothing behind it: 34 bytes."""
    return riff(b"VP8L", b"\x2f" + (width - 1 | height - 1 << 14).to_bytes(4, "little") + b"\x00" * 9)


def frame_start(jpeg: bytes) -> int:
    """Where the data of a JPEG file's frame header begins: precision, height, width, components."""
    return next(at for marker in (b"\xff\xc0\x00", b"\xff\xc2\x00") if (at := jpeg.find(marker)) > 0) + 4


def with_jpeg_size(jpeg: bytes, width: int, height: int) -> bytes:
    """The same JPEG file with another size in its frame header."""
    at = frame_start(jpeg)
    return jpeg[: at + 1] + struct.pack(">HH", height, width) + jpeg[at + 5 :]


def with_scans(progressive: bytes, scans: int) -> bytes:
    """A progressive JPEG file whose last scan is repeated until it has this many."""
    last = progressive.rfind(b"\xff\xda")
    more = scans - progressive.count(b"\xff\xda")
    return progressive[:-2] + progressive[last:-2] * more + b"\xff\xd9"
