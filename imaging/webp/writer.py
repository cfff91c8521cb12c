"""The cut-out as WebP: lossy colour by libwebp's fastest method, lossless alpha by our own coder.

libwebp spends three fifths of its time on an alpha. It fails at the end of its work where a picture has too much detail
for the quality (quality.py); each quality is then followed by the next.
"""

import struct
from contextlib import suppress

import cv2
import imagecodecs
import numpy as np

from errors import ProcessingFailed
from imaging.bands import BAND_PIXELS
from imaging.picture import Pixels
from imaging.webp.alpha import encode_alpha
from imaging.webp.quality import lossy, promising
from imaging.webp.transparent import fill_transparent

_HAS_ALPHA = 0x10


def encode(pixels: Pixels, quality: int | None = None) -> bytes:
    """uint8 [H,W,4] or [H,W,3] as WebP of the highest quality that is possible, and lossless where none is.

    Args:
        pixels: their memory is used.
        quality: 1 to 100, the first that is tried; by default the first of ours.

    Raises:
        ProcessingFailed: libwebp refuses the picture altogether.
    """
    if pixels.shape[2] == 3:
        return _lossy(pixels, quality) or encode_lossless(pixels)
    rgb, alpha = _split(pixels)
    if alpha.min() == 255:
        return encode(rgb, quality)
    fill_transparent(rgb, alpha)
    colours = _lossy(rgb, quality)
    return encode_lossless(_joined(rgb, alpha)) if colours is None else _with_alpha(colours, alpha)


def encode_lossless(pixels: Pixels) -> bytes:
    """uint8 [H,W,4] or [H,W,3] as lossless WebP.

    Raises:
        ProcessingFailed: libwebp refuses the picture.
    """
    try:
        return bytes(imagecodecs.webp_encode(pixels, lossless=True, method=0))
    except imagecodecs.WebpError as error:
        raise ProcessingFailed("The cut-out could not be written as WebP. Use format=png.") from error


def _lossy(rgb: Pixels, quality: int | None) -> bytes | None:
    for each in promising(rgb, quality):
        with suppress(imagecodecs.WebpError):
            return lossy(rgb, each)
    return None


def _split(rgba: Pixels) -> tuple[Pixels, Pixels]:
    """RGB in the memory of RGBA, as a large picture has no room for both, and alpha."""
    rgba = np.require(rgba, requirements=("C", "W"))
    height, width = rgba.shape[:2]
    alpha = np.asarray(cv2.extractChannel(rgba, 3), np.uint8)
    line, packed = rgba.reshape(1, -1, 4), rgba.reshape(-1)
    for start in range(0, alpha.size, BAND_PIXELS):
        part = cv2.cvtColor(line[:, start : start + BAND_PIXELS], cv2.COLOR_RGBA2RGB)
        packed[3 * start : 3 * start + part.size] = part.reshape(-1)
    return packed[: 3 * alpha.size].reshape(height, width, 3), alpha


def _joined(rgb: Pixels, alpha: Pixels) -> Pixels:
    """RGBA, with nothing under an alpha of 0."""
    rgba = np.dstack([rgb, alpha])
    rgba[alpha == 0] = 0
    return rgba


def _with_alpha(simple: bytes, alpha: Pixels) -> bytes:
    """A simple lossy file in the extended format (RFC 9649, "Extended File Format")."""
    height, width = alpha.shape
    canvas = struct.pack("<I", _HAS_ALPHA) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBP" + _chunk(b"VP8X", canvas) + _chunk(b"ALPH", encode_alpha(alpha)) + simple[12:]
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
