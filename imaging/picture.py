"""The picture in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """Decoded, upright, in sRGB.

    Attributes:
        rgba: uint8 [H,W,4], C-contiguous, straight alpha; four bytes from the start, as the cut-out is made in place.
        has_alpha: whether the upload brought an alpha of its own; otherwise alpha is 255 throughout.
    """

    rgba: Pixels
    has_alpha: bool

    @property
    def width(self) -> int:
        """Pixels per row."""
        return int(self.rgba.shape[1])

    @property
    def height(self) -> int:
        """Rows."""
        return int(self.rgba.shape[0])
