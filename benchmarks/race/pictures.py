"""What is cut out: free pictures of scikit-image, enlarged, most of them with the grain of a camera."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import simplejpeg
from skimage import data

SIZES = {"2 MP": (1600, 1250, 4.0), "2 MP, no grain": (1600, 1250, 0.0), "12 MP": (4000, 3000, 4.0)}
"""Width, height, and the standard deviation of their grain in steps of 8 bits: 4 is about that of a phone's camera by
day. Grain is most of what a PNG takes; without it every server has less to do, and rembg above all."""

_SOURCES: tuple[Callable[[], Any], ...] = (data.astronaut, data.chelsea, data.coffee)


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEG files of one size."""

    files: tuple[bytes, ...]

    @classmethod
    def of(cls, size: str) -> "Pictures":
        """A person, a cat and a cup."""
        return cls(tuple(_photograph(np.asarray(source(), np.uint8), *SIZES[size]) for source in _SOURCES))

    def unique(self, number: int) -> list[bytes]:
        """So many in turn, each with a comment of its own: nobody may answer from memory."""
        return [_named(self.files[place % len(self.files)]) for place in range(number)]


def _photograph(
    pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", width: int, height: int, deviation: float
) -> bytes:
    """The largest part of this shape, enlarged."""
    rows = min(pixels.shape[0], pixels.shape[1] * height // width)
    part = pixels[:rows, : rows * width // height]
    large = cv2.resize(part, (width, height), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(2).normal(0, deviation, (height, width, 1))
    return bytes(simplejpeg.encode_jpeg(np.clip(large + grain, 0, 255).astype(np.uint8), 88, colorsubsampling="420"))


def _named(file: bytes) -> bytes:
    name = secrets.token_bytes(16)
    return file[:2] + b"\xff\xfe" + (len(name) + 2).to_bytes(2) + name + file[2:]
