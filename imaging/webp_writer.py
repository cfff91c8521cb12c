"""The cut-out as WebP: lossy colour, lossless alpha, by libwebp's fastest method.

libwebp holds the prediction modes of all blocks in one partition of at most 512 kB (RFC 6386 §9.2 has 19 bits for its
size), and fails at the end of its work when they outgrow it: large pictures with fine detail do, at high quality. So of
large pictures a sample is encoded first, which tells.
"""

from collections.abc import Iterator
from contextlib import suppress

import imagecodecs
import numpy as np

from errors import ProcessingFailed
from imaging.picture import Pixels

QUALITIES = (90, 80)
_MAX_MODES = 1 << 19
_SELDOM_TOO_LARGE = 15_000_000
"""Pixels up to which all but pure noise fits, and asking a sample first would cost more than it saves."""

_BLOCK = 16
_SAMPLE_PIXELS = 4_000_000
_MARGIN = 0.95


def encode(pixels: Pixels, quality: int | None = None) -> bytes:
    """uint8 [H,W,4] or [H,W,3] as WebP of the highest quality that is possible, and lossless where none is.

    Args:
        quality: 1 to 100, the first that is tried; by default the first of ours.

    Raises:
        ProcessingFailed: libwebp refuses the picture altogether.
    """
    for each in _promising(pixels, _at_most(quality)):
        with suppress(imagecodecs.WebpError):
            return bytes(imagecodecs.webp_encode(pixels, level=each, lossless=False, method=0))
    return encode_lossless(pixels)


def encode_lossless(pixels: Pixels) -> bytes:
    """uint8 [H,W,4] or [H,W,3] as lossless WebP.

    Raises:
        ProcessingFailed: libwebp refuses the picture.
    """
    try:
        return bytes(imagecodecs.webp_encode(pixels, lossless=True, method=0))
    except imagecodecs.WebpError as error:
        raise ProcessingFailed("The cut-out could not be written as WebP. Ask for PNG.") from error


def _at_most(quality: int | None) -> tuple[int, ...]:
    """The quality that is asked for, and our own below it."""
    return QUALITIES if quality is None else (quality, *(each for each in QUALITIES if each < quality))


def _promising(pixels: Pixels, qualities: tuple[int, ...]) -> Iterator[int]:
    """Those of the qualities that are worth a try, in their order."""
    height, width = pixels.shape[:2]
    if height * width <= _SELDOM_TOO_LARGE:
        yield from qualities
    else:
        sample = _sample(pixels)
        share = len(sample) / height
        yield from (each for each in qualities if _modes(sample, each) / share < _MAX_MODES * _MARGIN)


def _sample(pixels: Pixels) -> Pixels:
    """RGB of rows of blocks spread evenly over the picture."""
    height, width = pixels.shape[:2]
    lines = height // _BLOCK
    wanted = max(min(_SAMPLE_PIXELS // (width * _BLOCK), lines), 1)
    starts = (np.arange(wanted) * lines // wanted) * _BLOCK
    return np.concatenate([pixels[start : start + _BLOCK, :, :3] for start in starts])


def _modes(rgb: Pixels, quality: int) -> int:
    """Bytes of the first partition, as a VP8 frame's header states them (RFC 6386 §9.1)."""
    file = bytes(imagecodecs.webp_encode(rgb, level=quality, lossless=False, method=0))
    tag = int.from_bytes(file[20:23], "little")
    return tag >> 5
