"""Evaluation pictures that occur in training data, found by what they look like."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.samples import PICTURES, Sample

NEAR = 6
"""Bits of 64 in which two hashes of one picture may differ: other compression, another size, a slight crop."""

Bits = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A picture of both sides and the number of bits in which their hashes differ; mirrored ones count."""

    sample: str
    training_file: str
    distance: int


def training_pictures(folders: Sequence[Path]) -> list[Path]:
    """Every picture of the folders, those that lie beside one as its alpha left out.

    Raises:
        EvaluationError: a folder holds none.
    """
    return [file for folder in folders for file in _pictures(folder)]


def find_duplicates(
    samples: Sequence[Sample], training: Sequence[Path], *, on_picture: Callable[[], None]
) -> list[Duplicate]:
    """What the samples share with the training pictures, nearest first.

    Args:
        on_picture: called after each picture of either side.
    """
    hashes = np.array([_hash(file, on_picture, mirror=False) for file in training]).reshape(len(training), -1)
    found = [pair for sample in samples for pair in _near(sample, training, hashes, on_picture)]
    return sorted(found, key=lambda each: (each.distance, each.sample, each.training_file))


def _near(sample: Sample, training: Sequence[Path], hashes: Bits, done: Callable[[], None]) -> Iterator[Duplicate]:
    plain = _hash(sample.picture_file, done, mirror=False)
    mirrored = _hash(sample.picture_file, lambda: None, mirror=True)
    distances = np.minimum((hashes != plain).sum(axis=1), (hashes != mirrored).sum(axis=1))
    for file, distance in zip(training, distances.tolist(), strict=True):
        if distance <= NEAR:
            yield Duplicate(sample.name, file.name, distance)


def _pictures(folder: Path) -> list[Path]:
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in PICTURES | {".png"})
    pictures = {file.with_suffix("") for file in files if file.suffix.lower() in PICTURES}
    kept = [file for file in files if file.suffix.lower() in PICTURES or file.with_suffix("") not in pictures]
    if not kept:
        raise EvaluationError(f"{folder} holds no picture.")
    return kept


def _hash(file: Path, done: Callable[[], None], *, mirror: bool) -> Bits:
    try:
        with Image.open(file) as image:
            image.draft("L", (64, 64))  # JPEG alone: decode small
            upright = ImageOps.exif_transpose(image).convert("RGB")
            bits = imagehash.phash(ImageOps.mirror(upright) if mirror else upright).hash
    except (OSError, UnidentifiedImageError) as error:
        raise EvaluationError(f"{file.name} cannot be read: {error}") from error
    done()
    return np.asarray(bits, np.bool_).reshape(-1)
