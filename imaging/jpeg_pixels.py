"""JPEG pixels by libjpeg-turbo, and whether the file holds all of them.

libjpeg fills what is missing with grey and only warns, as it does about much that is harmless. So where it warns, the
picture is decoded a second time with noise behind the coded data of every scan: pixels that were in the file stay as
they are, pixels that were not take on the noise.
"""

from io import BytesIO

import numpy as np
import simplejpeg
from PIL import Image

from imaging import icc
from imaging.bands import bands
from imaging.headers import jpeg
from imaging.headers.header import contradiction, truncated
from imaging.picture import Pixels
from imaging.raster import Raster

# Pillow's own limit only warns where it starts and is far below ours. The size was judged by `probe`, and is compared
# again before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

MISSING = 0.001
"""Share of pixels that may be missing: a camera that breaks off within its last block loses less of a large picture,
and nobody sees it."""

_EIGHTH = 8

_MIX = np.uint32(0x9E3779B1)
"""Knuth's multiplicative hash: the upper bits of the product depend on all bits of a pixel."""

_RANDOM = np.random.default_rng(0).integers(0, 255, 1 << 16, dtype=np.uint8).tobytes()
_RESTARTS = b"".join(bytes((0xFF, 0xD0 + number)) + _RANDOM[:256] for number in range(8))
_NOISE = _RANDOM + 16 * _RESTARTS
"""No byte is 0xFF, which would begin a marker; then restart markers, for a decoder that waits for one."""


def decode(body: bytes, profile: bytes | None) -> Raster:
    """The pixels, four inks already as RGB.

    Raises:
        InvalidImage: coded data is missing, or the file states two sizes.
        ValueError, OSError: the data cannot be decoded.
    """
    clean = jpeg.pixels(body)
    height, width = simplejpeg.decode_jpeg_header(clean)[:2]
    if (width, height) != jpeg.read_size(body):
        raise contradiction()
    channels = jpeg.components(body)
    if channels == 4:
        return Raster.of(icc.cmyk_to_rgb(255 - _complete(body, clean, "CMYK"), profile))
    return Raster(_complete(body, clean, "RGBA"), is_grey=channels == 1, has_alpha=False)


def _complete(body: bytes, clean: bytes, space: str) -> Pixels:
    try:
        return _decoded(clean, space)
    except ValueError:
        noisy = jpeg.pixels(body, filling=_NOISE)
    # Most of what is missing shows at an eighth of the size already, for a fraction of the time.
    small = [_digests(_tolerated(each, space, shrunk=_EIGHTH)) for each in (clean, noisy)]
    if np.mean(small[0] != small[1]) > MISSING:
        raise truncated()
    expected = _digests(_tolerated(noisy, space))
    shown = _tolerated(clean, space)
    if np.mean(_digests(shown) != expected) > MISSING:
        raise truncated()
    return shown


def _tolerated(file: bytes, space: str, shrunk: int = 1) -> Pixels:
    """Warnings apart; Pillow's build of libjpeg-turbo knows arithmetic coding, simplejpeg's does not."""
    try:
        return _decoded(file, space, strict=False, shrunk=shrunk)
    except ValueError:
        with Image.open(BytesIO(file), formats=["JPEG"]) as image:
            pixels = np.asarray(image.convert(space), np.uint8)
        return 255 - pixels if space == "CMYK" else pixels  # Pillow has inverted the inks already


def _decoded(file: bytes, space: str, *, strict: bool = True, shrunk: int = 1) -> Pixels:
    height, width = (-(-side // shrunk) if shrunk > 1 else 0 for side in simplejpeg.decode_jpeg_header(file)[:2])
    pixels: Pixels = simplejpeg.decode_jpeg(file, space, strict=strict, min_height=height, min_width=width)
    return pixels


def _digests(pixels: Pixels) -> Pixels:
    """uint8 [H,W]: one byte for each pixel of four channels, so that two pictures are compared without holding both.

    One in 256 of the pixels that differ has the same digest, which does not matter beside `MISSING`.
    """
    digests = np.empty(pixels.shape[:2], np.uint8)
    for rows in bands(*pixels.shape[:2]):
        words = pixels[rows].view(np.uint32)[..., 0]
        digests[rows] = (words * _MIX) >> np.uint32(24)
    return digests
