"""The models that a service is to sell with: all there, all whole, and none that may not be sold with."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from models.manifest import ModelError, ModelManifest, Precision


def load_served(names: Iterable[str], *folders: Path, for_money: bool) -> tuple[ModelManifest, ...]:
    """The manifests in the order of the names.

    Args:
        folders: as `ModelManifest.load`.
        for_money: the money is real, so whoever forbids commercial use may not be served.

    Raises:
        ModelError: with every fault, one per line.
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
    """Raises ModelError with every model whose weights are missing or not those that its manifest names.

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
    """Whether its licence allows to sell what it makes, as far as its manifest says; ours do."""
    return manifest.origin is None or manifest.origin.commercial


def _forbidden(manifest: ModelManifest) -> str:
    return (
        f"The licence of {manifest.name}, {manifest.licence}, forbids commercial use, and on mainnet pictures are sold "
        "for money. Serve another model."
    )


def _refuse(faults: list[str]) -> None:
    if faults:
        raise ModelError("\n".join(faults))
