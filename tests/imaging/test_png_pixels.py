"""What imagecodecs loses with a PNG that it refuses."""

import gc
import sys

import imagecodecs
import numpy as np
import psutil
import pytest

from imaging import png_pixels


def damaged(side: int) -> bytes:
    """Complete but for the checksum over the pixels."""
    file = bytearray(imagecodecs.png_encode(np.zeros((side, side, 3), np.uint8)))
    end = file.rindex(b"IEND") - 8
    file[end - 5] ^= 1
    return bytes(file)


def test_a_refused_file_leaves_no_memory_behind() -> None:
    file, process = damaged(2000), psutil.Process()
    before = process.memory_info().rss
    for _ in range(20):
        with pytest.raises(imagecodecs.PngError):
            png_pixels.decode(file)
    assert process.memory_info().rss - before < 60_000_000, "12 MB each are kept"


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal")
def test_a_refused_file_takes_no_reference_to_none() -> None:
    file = damaged(8)
    gc.collect()
    before = sys.getrefcount(None)
    for _ in range(2_000):
        with pytest.raises(imagecodecs.PngError):
            png_pixels.decode(file)
    gc.collect()
    assert abs(sys.getrefcount(None) - before) < 1_000


def test_a_malformed_transparent_colour_is_ignored() -> None:
    file = bytes(imagecodecs.png_encode(np.full((4, 5, 3), 7, np.uint8)))
    at = file.index(b"IDAT") - 4
    empty = b"\0\0\0\0tRNS" + (0x00CD6E2F).to_bytes(4, "big")
    decoded = png_pixels.decode(file[:at] + empty + file[at:])
    assert decoded.shape == (4, 5, 3)
    assert (decoded == 7).all()
