"""Git keeps every version of a file for ever, so only what a clone needs to serve is in the tree (CONTRIBUTING.md)."""

from models.manifest import MODELS, ModelManifest

MOST_BYTES = 56_000_000


def test_every_file_of_weights_is_named_by_a_manifest() -> None:
    manifests = [ModelManifest.load(file.stem, MODELS) for file in MODELS.glob("*.toml")]
    named = {manifest.path_of(precision) for manifest in manifests for precision in manifest.precisions}
    assert {path for path in (MODELS / "weights").rglob("*") if path.is_file()} == named


def test_the_weights_stay_small() -> None:
    assert sum(path.stat().st_size for path in (MODELS / "weights").rglob("*")) <= MOST_BYTES
