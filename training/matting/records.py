"""What there is to train on: the manifests of a data folder, and what must never come in.

A data folder holds sets, each with a `manifest.csv` that names file, licence and split of every picture:
`train_real` (photographs and their alpha), `train_fg` and `rendered` (foregrounds with their own alpha),
`rendered_pairs` (the same things photographed in a scene; named by `rendered`), `backgrounds`. Other folders are not
looked at, and one that is named for evaluation is refused wherever it turns up.
"""

import csv
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import cv2
import numpy as np

SETS = ("train_real", "train_fg", "rendered", "backgrounds")
NEVER = "eval"
RENDERED_SCENES = "rendered_pairs"
NEAR = 4
"""Bits of 64 by which two difference hashes may differ and the pictures still count as the same one."""

# What manifests say of publishers who state nothing, or who keep others from using the pictures.
_NOT_STATED = re.compile(r"\bno licen[cs]e|\bnone stated|non-commercial|research only|eval only", re.IGNORECASE)
_LABELLED_BY_HAND = re.compile(r"^(near-)?binary")


class DataError(Exception):
    """A data folder cannot be trained on; the text names the file and the fault."""


class Kind(StrEnum):
    """What a picture can be used for."""

    PHOTO = "photo"
    CUTOUT = "cutout"
    BACKGROUND = "background"


@dataclass(frozen=True, slots=True)
class Record:
    """One picture.

    Attributes:
        alpha: file of its alpha; for a cut-out the picture itself, for a background none.
        group: what its weight in the experiment is called: source of a photograph, family of a rendered thing.
        hard: its alpha was drawn as a hard mask.
        person: it shows people from head to foot.
    """

    picture: Path
    alpha: Path | None
    kind: Kind
    group: str
    licence: str
    hard: bool = False
    person: bool = False


def find(data: Path, *, permissive_only: bool) -> list[Record]:
    """Every picture that may be trained on, in the order of the manifests. Raises DataError.

    With `permissive_only`, pictures without a stated licence are left out.
    """
    records = [record for name in SETS if (data / name).is_dir() for record in _read(data / name)]
    if permissive_only:
        records = [record for record in records if stated(record.licence)]
    if not any(record.kind is not Kind.BACKGROUND for record in records):
        raise DataError(
            f"{data} has nothing to train on: it needs at least one of {', '.join(SETS)} with a manifest.csv."
        )
    _refuse_evaluation(records, data)
    return records


def stated(licence: str) -> bool:
    """Whether the publisher of a picture says under which licence it may be used, for trade too."""
    return bool(licence.strip()) and not _NOT_STATED.search(licence)


def _read(folder: Path) -> Iterator[Record]:
    try:
        with (folder / "manifest.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise DataError(f"{folder} has no manifest.csv to say what its pictures are.") from error
    for row in rows:
        if row.get("split", "train") != "train":
            raise DataError(f"{folder / row['file']} is for {row['split']}, not for training.")
        yield from _records(folder, row)


def _records(folder: Path, row: dict[str, str]) -> Iterator[Record]:
    picture, licence = folder / row["file"], row.get("licence", "")
    source = row["file"].split("_")[0]
    match folder.name:
        case "backgrounds":
            yield Record(picture, None, Kind.BACKGROUND, source, licence)
        case "train_real":
            hard = bool(_LABELLED_BY_HAND.match(row.get("annotation", "")))
            person = "full-body" in row.get("category", "")
            yield Record(picture, folder / row["alpha"], Kind.PHOTO, source, licence, hard, person)
        case _:
            group = row.get("family") or source
            yield Record(picture, picture, Kind.CUTOUT, group, licence)
            if pair := row.get("pair"):
                scene = folder.with_name(RENDERED_SCENES) / Path(pair).name
                yield Record(scene, picture, Kind.PHOTO, RENDERED_SCENES, licence)


def _refuse_evaluation(records: list[Record], data: Path) -> None:
    """By folder, by content and by look: a picture that models are judged on is never trained on."""
    files = {file for record in records for file in (record.picture, record.alpha) if file}
    for file in files:
        if not file.is_file():
            raise DataError(f"{file} is in the manifest but not there.")
        if any(part.startswith(NEVER) for part in (file.parent.name, file.resolve().parent.name)):
            raise DataError(f"{file} lies in a folder for evaluation and is never trained on.")
    judged = [file for folder in data.glob(f"{NEVER}*") for file in sorted(folder.iterdir()) if _is_picture(file)]
    digests = {_digest(file): file for file in judged}
    hashes = {file: look(file) for file in judged if file.suffix == ".jpg"}
    for record in records:
        if (twin := digests.get(_digest(record.picture))) is not None:
            raise DataError(f"{record.picture} is {twin}, which is for evaluation and never trained on.")
        if record.kind is Kind.PHOTO and hashes:
            seen = look(record.picture)
            twin = min(hashes, key=lambda file: (hashes[file] ^ seen).bit_count())
            if (hashes[twin] ^ seen).bit_count() <= NEAR:
                raise DataError(f"{record.picture} looks like {twin}, which is for evaluation and never trained on.")


def _is_picture(file: Path) -> bool:
    return file.suffix in {".jpg", ".png", ".webp"}


def _digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def look(file: Path) -> int:
    """Difference hash of a picture: 64 bits, each whether grey grows from one of 9 by 8 cells to the next."""
    grey = cv2.imread(str(file), cv2.IMREAD_REDUCED_GRAYSCALE_2)
    if grey is None:
        raise DataError(f"{file} is not a readable picture.")
    cells = cv2.resize(grey, (9, 8), interpolation=cv2.INTER_AREA)
    bits = (cells[:, 1:] > cells[:, :-1]).ravel()
    return int.from_bytes(np.packbits(bits).tobytes())
