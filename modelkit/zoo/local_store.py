"""The folder of models that were pulled or added: a manifest each, and the weights beside it."""

import os
import re
from pathlib import Path

import tomli_w

from models import MODELS, ModelError, ModelManifest

LOCAL_MODELS = MODELS.parent / "state" / "models"
"""Outside what git tracks; the service looks there by the setting `runner.models_folder`."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")


def names(folder: Path) -> list[str]:
    """The models that have a manifest in the folder."""
    return sorted(path.stem for path in folder.glob("*.toml"))


def check_name(name: str) -> None:
    """Raises ModelError for a name that cannot be a file's, or is that of a shipped model."""
    if not _NAME.fullmatch(name):
        raise ModelError(f"{name!r} is not a valid name: use lower-case letters, digits, dots and hyphens, at most 64.")
    if name in names(MODELS):
        raise ModelError(f"{name} is the name of a shipped model; choose another.")


def keep(manifest: ModelManifest, content: bytes, folder: Path) -> None:
    """Write weights and manifest. A crash in between leaves the folder as it was, but for a file that nobody names.

    Raises ModelError when the folder cannot be written to.
    """
    before = ModelManifest.load(manifest.name, folder).path if manifest.name in names(folder) else None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / manifest.file, content)
        _write(folder / f"{manifest.name}.toml", tomli_w.dumps(manifest.model_dump(exclude_none=True)).encode())
        if before and before != folder / manifest.file:
            before.unlink(missing_ok=True)
    except OSError as error:
        raise ModelError(f"{folder} cannot be written to: {error.strerror}. Is there room?") from error


def _write(path: Path, content: bytes) -> None:
    """All of it under its name, or nothing."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
