"""Writes result files atomically."""

import hashlib
import os
from pathlib import Path

from clearcanvas.errors import OutcomeUnknown


def write(path: Path, content: bytes) -> None:
    """Write a file atomically: a crash leaves the old file or the new one. It is on disk when this returns.

    Raises:
        OutcomeUnknown: the disk refuses the write. The payment is on record; the next run fetches its result again.
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
            f"{path} cannot be written: {error.strerror}. The picture is paid; run again when the disk has space.",
            stops_the_run=True,
        ) from None


def sha256(path: Path) -> str | None:
    """Digest of a file in hex; None if it cannot be read."""
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
