"""The pictures that are bought: a free photograph of scikit-image, enlarged, with a camera's grain."""

import random
import secrets
from collections.abc import Mapping
from functools import cache
from io import BytesIO

import numpy as np
from PIL import Image
from skimage import data

GRAIN = 4.0  # standard deviation in steps of 8 bits, about that of a phone's camera by day
_GROUND = ((234, 0), (150, 150), (0, 0))  # pixels above, below, left and right of 512 x 400
_WIDTH, _HEIGHT = 1600, 1250  # of two megapixels


@cache
def photo(megapixels: float) -> bytes:
    """The astronaut as a JPEG of this size, always the same bytes: 1600 x 1250 pixels for 2.0.

    There is so much ground around her that every picture costs a close-up; of what people upload six in ten do.
    """
    scale = (megapixels * 1e6 / (_WIDTH * _HEIGHT)) ** 0.5
    width, height = round(_WIDTH * scale), round(_HEIGHT * scale)
    astronaut = Image.fromarray(np.pad(data.astronaut()[:400], _GROUND, "edge"))
    large = np.asarray(astronaut.resize((width, height), Image.Resampling.BICUBIC))
    grain = np.random.default_rng(2).normal(0, GRAIN, (height, width, 1)).astype(np.float32)
    file = BytesIO()
    Image.fromarray(np.clip(large + grain, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=88)
    return file.getvalue()


class Pictures:
    """Draws pictures of a mix; each is a file of its own, because of its comment.

    Args:
        mix: megapixels → share.
    """

    def __init__(self, mix: Mapping[float, float], draw: random.Random) -> None:
        self._sizes, self._shares = list(mix), list(mix.values())
        self._draw = draw

    def next(self) -> tuple[float, bytes]:
        """Megapixels and file."""
        [size] = self._draw.choices(self._sizes, self._shares)
        return size, _commented(photo(size))


def _commented(file: bytes) -> bytes:
    comment = secrets.token_bytes(16)
    return file[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + file[2:]
