"""The manifest of a batch: one row per finished picture, in the form that `training.matting.records` reads."""

import csv
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

FILE = "manifest.csv"
LICENCE = "own work, rendered by training/render"


@dataclass(frozen=True, slots=True)
class Row:
    """One picture.

    Attributes:
        file: its name in the folder of the manifest.
        size: WIDTHxHEIGHT.
        coverage: mean alpha, 0..1; soft_fraction: share of pixels that are neither clear nor solid.
        pair: name of the same thing in its set, in the folder `rendered_pairs`; empty when there is none.
    """

    file: str
    family: str
    size: str
    coverage: str
    soft_fraction: str
    pair: str
    licence: str = LICENCE


COLUMNS = [field.name for field in fields(Row)]


def read(folder: Path) -> list[Row]:
    """The rows of a folder, none where there is no manifest yet."""
    try:
        with (folder / FILE).open(newline="") as file:
            return [Row(**row) for row in csv.DictReader(file)]
    except FileNotFoundError:
        return []


def add(folder: Path, row: Row) -> None:
    """Add a row, in place of an older one for the same file. Two processes may add to one folder at once.

    The manifest is whole at every moment: a new one is written beside it and takes its name.
    """
    with _alone(folder):
        rows = [*(old for old in read(folder) if old.file != row.file), row]
        beside = folder / f".{FILE}.new"
        with beside.open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            for each in sorted(rows, key=lambda row: row.file):
                writer.writerow({column: getattr(each, column) for column in COLUMNS})
            file.flush()
            os.fsync(file.fileno())
        beside.replace(folder / FILE)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
