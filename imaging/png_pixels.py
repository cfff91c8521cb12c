"""PNG samples by libpng (imagecodecs), without what imagecodecs 2026.3.6 loses with every file that it refuses.

libpng leaves it by longjmp, which restores a local variable: the array that was made for the samples is never freed, a
reference to None is dropped instead, and before Python 3.12 a process dies when none are left. With an array of ours
only a reference to that array is lost, which is put back here.
"""

import ctypes
import sys

import imagecodecs
import numpy as np
from numpy.typing import NDArray

from imaging.headers import png

Samples = NDArray[np.uint8] | NDArray[np.uint16]


def decode(body: bytes) -> Samples:
    """uint8 or uint16 [H,W] or [H,W,n]: palettes as RGB, transparent colours as alpha.

    Raises:
        imagecodecs.PngError: the data cannot be decoded.
    """
    file = png.pixels(body)
    shape, kind = png.samples(file)
    samples: Samples = np.empty(shape, np.uint8) if kind is np.uint8 else np.empty(shape, np.uint16)
    before = sys.getrefcount(samples)
    try:
        imagecodecs.png_decode(file, out=samples)
    except imagecodecs.PngError:
        if sys.getrefcount(samples) > before:
            ctypes.pythonapi.Py_DecRef(ctypes.py_object(samples))
        raise
    except ValueError:  # another shape: a tRNS chunk that libpng ignores, because it is malformed
        return np.asarray(imagecodecs.png_decode(file))
    return samples
