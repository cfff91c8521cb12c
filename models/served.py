"""Loads the served models: all must be present, undamaged and licensed for sale."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from models.manifest import ModelError, ModelManifest, Precision


def load_served(names: Iterable[str], *folders: Path, for_money: bool) -> tuple[ModelManifest, ...]:
    """The manifests in the order of the names.

    Args:
        folders: as for `ModelManifest.load`.
        for_money: the money is real, so models that forbid commercial use are rejected.

    Raises:
        ModelError: the message lists every fault, one per line.
    """
    found: list[ModelManifest] = []
    faults: list[str] = []
    for name in names:
        try:
            manifest = ModelManifest.load(name, *folders)
        except ModelError as error:
            faults.append(str(error))
        else:
            found.append(manifest)
            faults += [_forbidden(manifest)] if for_money and not may_be_sold(manifest) else []
    _refuse(faults)
    return tuple(found)


def check_weights(manifests: Sequence[ModelManifest]) -> None:
    """Check the weights' digests. Raises ModelError with every model whose weights are missing or damaged.

    A variant's file may be missing, as in an image for other hardware: fp32 runs everywhere.
    """
    faults: list[str] = []
    for manifest in manifests:
        for precision in manifest.precisions:
            if precision == "fp32" or manifest.path_of(precision).exists():
                faults += _fault(manifest, precision)
    _refuse(faults)


def _fault(manifest: ModelManifest, precision: Precision) -> list[str]:
    try:
        manifest.weights(precision)
    except ModelError as error:
        return [str(error)]
    return []


def may_be_sold(manifest: ModelManifest) -> bool:
    """Whether the manifest allows selling the model's output; our own models do."""
    return manifest.origin is None or manifest.origin.commercial


def _forbidden(manifest: ModelManifest) -> str:
    return (
        f"The licence of {manifest.name}, {manifest.licence}, forbids commercial use, which mainnet requires. "
        "Serve another model."
    )


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ModelError("\n".join(faults))
