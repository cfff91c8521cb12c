"""Finds a possible quality of lossy WebP.

libwebp holds the prediction modes of all blocks in one partition of at most 512 kB (RFC 6386 §9.2 has 19 bits for its
size), and fails at the end of its work when they outgrow it: large pictures with fine detail do, at high quality. So of
large pictures a sample is encoded first, which tells.
"""

from collections.abc import Iterator

import imagecodecs
import numpy as np

from imaging.picture import Pixels

QUALITIES = (90, 80)
_MAX_MODES = 1 << 19
_USUALLY_FITS = 15_000_000
"""Up to this many pixels all but pure noise fits, and encoding a sample first would cost more than it saves."""

_BLOCK = 16
_SAMPLE_PIXELS = 4_000_000
_MARGIN = 0.95


def lossy(rgb: Pixels, quality: int) -> bytes:
    """uint8 [H,W,3] as a simple lossy file. Raises imagecodecs.WebpError where the quality is not possible."""
    return bytes(imagecodecs.webp_encode(rgb, level=quality, lossless=False, method=0))


def promising(rgb: Pixels, quality: int | None) -> Iterator[int]:
    """The requested quality, and our own below it: those that probably fit, in order."""
    qualities = QUALITIES if quality is None else (quality, *(each for each in QUALITIES if each < quality))
    height, width = rgb.shape[:2]
    if height * width <= _USUALLY_FITS:
        yield from qualities
    else:
        sample = _sample(rgb)
        share = len(sample) / height
        yield from (each for each in qualities if _modes(sample, each) / share < _MAX_MODES * _MARGIN)


def _sample(rgb: Pixels) -> Pixels:
    """Rows of blocks spread evenly over the picture."""
    height, width = rgb.shape[:2]
    lines = height // _BLOCK
    wanted = max(min(_SAMPLE_PIXELS // (width * _BLOCK), lines), 1)
    starts = (np.arange(wanted) * lines // wanted) * _BLOCK
    return np.concatenate([rgb[start : start + _BLOCK] for start in starts])


def _modes(rgb: Pixels, quality: int) -> int:
    """Bytes of the first partition, as a VP8 frame's header states them (RFC 6386 §9.1)."""
    tag = int.from_bytes(lossy(rgb, quality)[20:23], "little")
    return tag >> 5
