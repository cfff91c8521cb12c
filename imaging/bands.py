"""Large pictures are processed a few rows at a time, which stay in the cache and keep copies small."""

from collections.abc import Iterator

BAND_PIXELS = 1 << 18
"""1 MB of RGBA."""


def bands(height: int, width: int, multiple: int = 1) -> Iterator[slice]:
    """Slices of rows that cover a picture in order, each of about `BAND_PIXELS` pixels.

    All but the last have a number of rows that `multiple` divides.
    """
    step = max(BAND_PIXELS // width // multiple, 1) * multiple
    for start in range(0, height, step):
        yield slice(start, min(start + step, height))
