"""Pictures with known alpha, as a folder holds them: X.jpg and, beside it, its alpha X.png."""

import csv
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import InvalidImage
from imaging import ImageFormat, Picture, Pixels, decode, probe
from modelkit.evaluation.errors import EvaluationError

PICTURES = {".jpg", ".jpeg", ".webp"}
MAX_SIDE = 10_000

GROUPS = {
    "am": "soft",
    "c1k": "soft",
    "car": "cars",
    "ccp": "full-body",
    "celeb": "portraits",
    "coco": "coco",
    "ecssd": "mixed objects",
    "feralcat": "cats",
    "flower": "flowers",
    "human290": "people",
    "pymatting": "soft",
}
"""A file name up to its first underscore says which set it is from; sets of soft alpha are judged as one group."""

OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture, its true alpha, and the group whose mean it counts for."""

    name: str
    group: str
    picture_file: Path
    truth_file: Path

    def read(self) -> tuple[Picture, Pixels]:
        """The picture and its true alpha, uint8 [H,W]. Raises EvaluationError when they are not a pair."""
        picture = read_picture(self.picture_file)
        alpha = read_picture(self.truth_file)
        truth = np.ascontiguousarray(alpha.rgba[..., 3 if alpha.has_alpha else 0])
        if truth.shape != (picture.height, picture.width):
            raise EvaluationError(f"{self.truth_file.name} is not of the size of {self.picture_file.name}.")
        return picture, truth


def find_samples(folders: Sequence[Path], limit: int | None = None) -> list[Sample]:
    """The pairs of the folders, by name; `limit` takes as many of each folder, spread evenly.

    Raises:
        EvaluationError: a folder holds none, or two pairs have one name.
    """
    samples = [sample for folder in folders for sample in _spread(_pairs(folder), limit)]
    name, count = Counter(sample.name for sample in samples).most_common(1)[0]
    if count > 1:
        raise EvaluationError(f"There are {count} pictures called {name}.")
    return samples


def _pairs(folder: Path) -> list[Sample]:
    categories = _categories(folder / "manifest.csv")
    samples = [
        Sample(file.stem, _group(file, categories), file, file.with_suffix(".png"))
        for file in sorted(folder.glob("*"))
        if file.suffix.lower() in PICTURES and file.with_suffix(".png").is_file()
    ]
    if not samples:
        raise EvaluationError(f"{folder} holds no picture with its alpha: X.jpg and X.png.")
    return samples


def _group(file: Path, categories: dict[str, str]) -> str:
    known = GROUPS.get(file.stem.partition("_")[0])
    return known or categories.get(file.name) or OTHERS


def _categories(manifest: Path) -> dict[str, str]:
    if not manifest.is_file():
        return {}
    with manifest.open(newline="", encoding="utf-8") as lines:
        return {row["file"]: row.get("category", "") for row in csv.DictReader(lines) if "file" in row}


def _spread(samples: list[Sample], limit: int | None) -> list[Sample]:
    if limit is None or limit >= len(samples):
        return samples
    return [samples[place * len(samples) // limit] for place in range(limit)]


def read_picture(file: Path) -> Picture:
    """A picture as the service decodes it. Raises EvaluationError when it cannot be read."""
    try:
        body = file.read_bytes()
        declared = ImageFormat.of(body)
        if declared is None:
            raise EvaluationError(f"{file.name} is not a PNG, JPEG or WebP file.")
        return decode(body, probe(body, declared, MAX_SIDE))
    except (InvalidImage, OSError) as error:
        raise EvaluationError(f"{file.name} cannot be read: {error}") from error
