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


def encode(rgba: Pixels) -> bytes:
    """uint8 [H,W,4] as WebP of the highest of our qualities that is possible, and lossless where none is.

    Raises:
        ProcessingFailed: libwebp refuses the picture altogether.
    """
    for quality in _promising(rgba):
        with suppress(imagecodecs.WebpError):
            return bytes(imagecodecs.webp_encode(rgba, level=quality, lossless=quality is None, method=0))
    raise ProcessingFailed("The cut-out could not be written as WebP. Ask for PNG.")


def _promising(rgba: Pixels) -> Iterator[int | None]:
    """Qualities that are worth a try, the best first; None for lossless."""
    height, width = rgba.shape[:2]
    if height * width <= _SELDOM_TOO_LARGE:
        yield from QUALITIES
    else:
        sample = _sample(rgba)
        share = len(sample) / height
        yield from (quality for quality in QUALITIES if _modes(sample, quality) / share < _MAX_MODES * _MARGIN)
    yield None


def _sample(rgba: Pixels) -> Pixels:
    """RGB of rows of blocks spread evenly over the picture."""
    height, width = rgba.shape[:2]
    lines = height // _BLOCK
    wanted = max(min(_SAMPLE_PIXELS // (width * _BLOCK), lines), 1)
    starts = (np.arange(wanted) * lines // wanted) * _BLOCK
    return np.concatenate([rgba[start : start + _BLOCK, :, :3] for start in starts])


def _modes(rgb: Pixels, quality: int) -> int:
    """Bytes of the first partition, as a VP8 frame's header states them (RFC 6386 §9.1)."""
    file = bytes(imagecodecs.webp_encode(rgb, level=quality, lossless=False, method=0))
    tag = int.from_bytes(file[20:23], "little")
    return tag >> 5
