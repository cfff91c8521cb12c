"""Pictures that show a network what it will see, so that its activations' ranges can be noted."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from errors import InvalidImage
from imaging import ImageFormat, Picture, Pixels, decode, probe, to_model_input
from models import ModelError

Plane = NDArray[np.float64]

_ENDINGS = {".jpg", ".jpeg", ".webp"}
_MAX_SIDE = 10_000


def from_folder(folder: Path, size: int, count: int) -> Pixels:
    """Up to `count` pictures of a folder, by name, evenly spread, as the service shows them: uint8 [n,S,S,3].

    PNG files are left out: in our folders they are alphas. Raises ModelError when there is none, or one is broken.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in _ENDINGS)
    if not files:
        raise ModelError(f"{folder} holds no JPEG or WebP picture.")
    return np.stack([to_model_input(read(file), size) for file in chosen(files, count)])


def chosen(files: Sequence[Path], count: int) -> Sequence[Path]:
    """Up to `count` of them, evenly spread."""
    return [files[place * len(files) // count] for place in range(count)] if count < len(files) else files


def read(file: Path) -> Picture:
    """A picture as the service decodes it. Raises ModelError when it is none."""
    body = file.read_bytes()
    declared = ImageFormat.of(body)
    try:
        if declared is None:
            raise ModelError(f"{file.name} is not a picture.")
        return decode(body, probe(body, declared, _MAX_SIDE))
    except InvalidImage as error:
        raise ModelError(f"{file.name} cannot be read: {error}") from error


def made(size: int, count: int) -> Pixels:
    """Pictures made in code, always the same: shaded, grainy things on patterned grounds, uint8 [count,S,S,3]."""
    return np.stack([_scene(size, np.random.default_rng(seed)) for seed in range(count)])


def _scene(size: int, random: np.random.Generator) -> Pixels:
    image = _pattern(size, random)
    for _ in range(random.integers(1, 4)):
        image = np.where(_thing(size, random)[..., None], _pattern(size, random), image)
    blurred = cv2.GaussianBlur(image, (0, 0), random.uniform(0.4, 1.2))
    return np.asarray(np.clip(blurred + random.normal(0, random.uniform(0, 6), image.shape), 0, 255), np.uint8)


def _pattern(size: int, random: np.random.Generator) -> Plane:
    """float [S,S,3]: one colour, shaded, with a coarse and a fine pattern on it."""
    pattern = np.full((size, size, 3), random.uniform(0, 255, 3))
    for cells, strength in ((3, 60.0), (int(random.integers(4, 60)), random.uniform(0, 60))):
        rough = random.normal(0, strength, (cells, cells, 3))
        pattern = pattern + np.asarray(cv2.resize(rough, (size, size), interpolation=cv2.INTER_CUBIC), np.float64)
    return np.asarray(np.clip(pattern, 0, 255), np.float64)


def _thing(size: int, random: np.random.Generator) -> NDArray[np.bool_]:
    """bool [S,S]: an ellipse with a wavy edge."""
    centre, radii = random.uniform(0.3, 0.7, 2) * size, random.uniform(0.1, 0.45, 2) * size
    y, x = (np.mgrid[:size, :size] - centre[:, None, None]) / radii[:, None, None]
    waves = 1 + random.uniform(0, 0.25) * np.sin(random.integers(2, 40) * np.arctan2(y, x) + random.uniform(0, 6))
    return np.asarray(np.hypot(x, y) < waves)
