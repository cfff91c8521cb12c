"""Results are written whole or not at all."""

import hashlib
import os
from pathlib import Path

from clearcanvas.errors import OutcomeUnknown


def write(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one, or none, or the new one: on the disk when this returns.

    Raises:
        OutcomeUnknown: the disk does not take it. What was paid is on record and is fetched again by the next run.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise OutcomeUnknown(
            f"{path} cannot be written: {error.strerror}. The picture is paid; run again when there is room.",
            stops_the_run=True,
        ) from None


def sha256(path: Path) -> str | None:
    """Digest of a file in hex; None where it cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _sync(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
