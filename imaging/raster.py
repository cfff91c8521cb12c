"""Pixels as a codec returns them: in the file's own channels, depth and colour space."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.uint8] | NDArray[np.uint16]


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """Decoded, as stored.

    Attributes:
        samples: uint8 or uint16 [H,W,C] with C = 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA.
        is_grey: whether the file's one colour channel was grey, also where a codec has made three of it.
        has_alpha: whether the file has an alpha channel; a fourth channel without is 255 throughout.
    """

    samples: Samples
    is_grey: bool
    has_alpha: bool

    @classmethod
    def of(cls, samples: Samples) -> "Raster":
        """From [H,W] or [H,W,C], which says by itself what it is."""
        height, width = samples.shape[:2]
        channels = samples.reshape(height, width, -1)
        return cls(channels, is_grey=channels.shape[2] <= 2, has_alpha=channels.shape[2] in (2, 4))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height as stored."""
        return int(self.samples.shape[1]), int(self.samples.shape[0])
