"""Whether the models that are here are the ones that their manifests speak of."""

from collections.abc import Iterator
from pathlib import Path

from modelkit.zoo.local_store import names
from models import MODELS, ModelError, ModelManifest

Finding = tuple[str, str | None]
"""Name, and the fault if there is one."""


def verify(folder: Path, name: str | None = None) -> Iterator[Finding]:
    """Each shipped model and each of the folder, or the one that is named.

    Raises:
        ModelError: none is of that name.
    """
    places = [(each, place) for place in (MODELS, folder) for each in names(place)]
    if name is not None:
        places = [(each, place) for each, place in places if each == name]
        if not places:
            raise ModelError(f"There is no model {name}, neither shipped nor in {folder}.")
    for each, place in places:
        yield each, _fault(each, place)
    if name is None:
        yield from _strays(folder)


def _fault(name: str, place: Path) -> str | None:
    if place != MODELS and name in names(MODELS):
        return "A shipped model has this name, so this one is never used."
    try:
        manifest = ModelManifest.load(name, place)
        for precision in manifest.precisions:
            manifest.weights(precision)
    except ModelError as error:
        return str(error)
    return None


def _strays(folder: Path) -> Iterator[Finding]:
    """Weights of which no manifest speaks: a crash left them, or somebody put them there."""
    named: set[str] = set()
    for name in names(folder):
        try:
            manifest = ModelManifest.load(name, folder)
            named |= {manifest.path_of(precision).name for precision in manifest.precisions}
        except ModelError:  # found already
            return
    for path in sorted(folder.glob("*.onnx")):
        if path.name not in named:
            yield path.name, "No manifest speaks of it. Add it with `python -m modelkit add`, or delete it."
