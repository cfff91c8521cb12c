"""`python -m deploy.keep_models NAME…`: remove the shipped models that an image is not to carry.

Runs while an image is built, on its copy of the source.
"""

import sys
from collections.abc import Collection
from pathlib import Path

from models import MODELS, ModelError, ModelManifest, check_weights


def keep(names: Collection[str], folder: Path = MODELS) -> list[Path]:
    """Remove every manifest and every file of weights in `folder` that none of these models needs; the removed paths.

    Raises:
        ModelError: one of these models is not there or not whole; nothing is removed then.
    """
    manifests = [ModelManifest.load(name, folder) for name in names]
    check_weights(manifests)
    needed = {folder / f"{name}.toml" for name in names}
    needed |= {manifest.path_of(precision) for manifest in manifests for precision in manifest.precisions}
    there = [*folder.glob("*.toml"), *(path for path in (folder / "weights").rglob("*") if path.is_file())]
    removed = sorted(path for path in there if path not in needed)
    for path in removed:
        path.unlink()
    return removed


def main(names: Collection[str]) -> None:
    """The command; ends the process with the fault of a model that cannot be kept."""
    if not names:
        sys.exit("Name the models that the image is to carry.")
    try:
        removed = keep(names)
    except ModelError as error:
        sys.exit(str(error))
    sys.stdout.writelines(f"not in the image: {path.relative_to(MODELS)}\n" for path in removed)


if __name__ == "__main__":
    main(sys.argv[1:])
