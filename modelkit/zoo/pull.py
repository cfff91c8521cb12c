"""Getting a model of the catalogue: its licence, its file, our form."""

from pathlib import Path

from modelkit.zoo.download import Digest, Progress, download
from modelkit.zoo.entries import Entry
from modelkit.zoo.local_store import check_name, names
from models import ModelError, ModelManifest

DOWNLOADS = "downloads"
"""Folder for what has not been wrapped yet, inside that of the models."""


def check_licence(name: str, entry: Entry, *, accept_non_commercial: bool) -> None:
    """Raises ModelError for a model that may not be sold from, unless its name and the flag were given."""
    if not entry.commercial and not accept_non_commercial:
        raise ModelError(
            f"{name} is under {entry.licence}, which forbids commercial use: a paid service may not run it. "
            "For other uses: --accept-non-commercial."
        )


def pull(
    name: str,
    entry: Entry,
    folder: Path,
    *,
    sha256: str | None = None,
    accept_non_commercial: bool = False,
    progress: Progress = lambda done, total: None,
    pause_s: float = 1.0,
) -> ModelManifest:
    """Download, check, wrap and keep a model.

    Args:
        sha256: what the file has to hash to, from a source of the operator's own.

    Raises:
        ModelError: the licence forbids it, the file cannot be had or is another one, or the network fails its check.
    """
    check_licence(name, entry, accept_non_commercial=accept_non_commercial)
    check_name(name)
    try:
        from modelkit.zoo.import_model import GraphHints, Source, import_model  # noqa: PLC0415 - before an hour's download, not after
    except ModuleNotFoundError as error:
        raise missing(error) from error
    pinned = _pinned(name, folder)
    file = folder / DOWNLOADS / f"{name}.onnx"
    found = download(entry.url, file, digest=_digest(entry, sha256), progress=progress, pause_s=pause_s)
    if pinned and found != pinned:
        file.unlink()
        raise ModelError(
            f"{entry.url} has changed: its SHA-256 is {found}, and was {pinned} when it was first pulled. Find out "
            f"why; to take the new file all the same, remove {folder / f'{name}.toml'} first."
        )
    hints = GraphHints(
        mean=entry.mean, std=entry.std, values=entry.values, size=entry.size, output=entry.output, batch=entry.batch
    )
    source = Source(entry.about, entry.licence, entry.commercial, entry.url)
    manifest = import_model(file, name, hints, source, folder, replace=True)
    file.unlink()
    return manifest


def missing(error: ModuleNotFoundError) -> ModelError:
    """The error of a tool that is not installed."""
    return ModelError(
        f"The package {error.name} is missing; the tools for models are not part of the service. From the repository: "
        "`make setup`, or `uv pip install -c requirements/dev.txt -r pyproject.toml --extra cpu --extra models`."
    )


def _pinned(name: str, folder: Path) -> str | None:
    """SHA-256 of the file that was pulled first."""
    if name not in names(folder):
        return None
    origin = ModelManifest.load(name, folder).origin
    if origin is None or origin.url is None:
        raise ModelError(f"{folder / f'{name}.toml'} is a model that was added, not pulled; remove it first.")
    return origin.sha256


def _digest(entry: Entry, sha256: str | None) -> Digest | None:
    if sha256 and entry.sha256 not in (None, sha256):
        raise ModelError(f"The catalogue states the SHA-256 {entry.sha256}, not the one that was given.")
    if best := sha256 or entry.sha256:
        return Digest("sha256", best)
    return Digest("md5", entry.md5) if entry.md5 else None
