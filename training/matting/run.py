"""A run's folder: what was asked for, how it went, and what came out, each file written whole or not at all.

experiment.json   the experiment, every setting spelt out, and what it ran on
start.json        the run or file whose weights this one began with, if any
average.json      the runs whose weights this is the mean of, if it was not trained itself
curves.csv        a row per measurement; curves.png the same as a picture
metrics.json      the last measurement
sheets/           samples with their alpha and what the network makes of them, validation likewise
checkpoint.pt     everything that resuming needs
weights.pt        the averaged weights, the result
digests.json      SHA-256 of every file above but the sheets
"""

import csv
import hashlib
import json
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from io import StringIO
from pathlib import Path
from typing import Any, BinaryIO

import torch

from training.matting.experiment import Experiment, ExperimentError

Row = dict[str, float | int]


class RunFolder:
    """Where a run writes; an empty or new folder, or that of the same experiment to go on with."""

    def __init__(self, path: Path):
        self.path = path
        self.checkpoint = path / "checkpoint.pt"
        self.weights = path / "weights.pt"
        (path / "sheets").mkdir(parents=True, exist_ok=True)

    def begin(self, experiment: Experiment, *, resume: bool) -> None:
        """Write the experiment down. Raises ExperimentError if another one, or a run not to be resumed, is there."""
        file = self.path / "experiment.json"
        text = json.dumps(experiment.model_dump(mode="json"), indent=2) + "\n"
        if self.checkpoint.exists():
            if not resume:
                raise ExperimentError(
                    f"{self.path} holds a run already: go on with it by --resume, or name another folder."
                )
            if file.read_text() != text:
                raise ExperimentError(f"{self.path} is the run of another experiment than {experiment.name} is now.")
        self.write("experiment.json", text.encode())

    def experiment(self) -> Experiment:
        """The experiment that ran here. Raises ExperimentError."""
        try:
            return Experiment.model_validate_json((self.path / "experiment.json").read_bytes())
        except (OSError, ValueError) as error:
            raise ExperimentError(f"{self.path} is not a run's folder: {error}") from error

    def write(self, name: str, content: bytes) -> None:
        """Put a file in place in one move."""
        replaced(self.path / name, lambda file: file.write(content))

    def save(self, file: Path, state: Mapping[str, Any]) -> None:
        """Put tensors and plain values into a file, in one move."""
        replaced(file, lambda stream: torch.save(state, stream))

    def load(self, file: Path) -> dict[str, Any]:
        """What `save` wrote, in main memory. Raises ExperimentError."""
        try:
            state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, RuntimeError, LookupError, ValueError, EOFError, pickle.UnpicklingError) as error:
            raise ExperimentError(f"{file} cannot be read: {error}") from error
        return state

    def curves(self, rows: Sequence[Row]) -> None:
        """All measurements so far."""
        text = StringIO()
        writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        self.write("curves.csv", text.getvalue().encode())
        self.write("metrics.json", (json.dumps(rows[-1], indent=2) + "\n").encode())

    def seal(self) -> None:
        """Write the digests of what the run made."""
        files = sorted(file for file in self.path.iterdir() if file.is_file() and file.name != "digests.json")
        digests = {file.name: sha256(file) for file in files}
        self.write("digests.json", (json.dumps(digests, indent=2) + "\n").encode())


def sha256(file: Path) -> str:
    """Digest of a file, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def replaced(file: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside the file, onto the disk, and move it into place: a crash leaves the old one or the new one."""
    beside = file.with_name(f"{file.name}.part")
    with beside.open("wb") as stream:
        write(stream)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(file)
