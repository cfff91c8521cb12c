"""What `verify` finds."""

from pathlib import Path

import pytest

from modelkit.zoo.import_model import GraphHints, Source, import_model
from modelkit.zoo.verify import verify
from models.manifest import MODELS, ModelError, ModelManifest
from tests.modelkit.zoo.graphs import MEAN, STD, conv, save
from tests.shipped import NAME

OURS = NAME
SHIPPED = dict.fromkeys(sorted(file.stem for file in MODELS.glob("*.toml")))


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A folder with one good model."""
    folder = tmp_path / "models"
    import_model(
        save(tmp_path, conv()), "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), folder
    )
    return folder


def test_good_models_are_good(store: Path) -> None:
    assert dict(verify(store)) == {**SHIPPED, "small": None}
    assert dict(verify(store, "small")) == {"small": None}


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert dict(verify(tmp_path / "none")) == SHIPPED


def test_an_unknown_name_is_refused(store: Path) -> None:
    with pytest.raises(ModelError, match="no model other"):
        list(verify(store, "other"))


def test_changed_weights_are_found(store: Path) -> None:
    weights = ModelManifest.load("small", store).path
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert "do not match the manifest of small" in (dict(verify(store))["small"] or "")


def test_missing_weights_are_found(store: Path) -> None:
    ModelManifest.load("small", store).path.unlink()
    assert "cannot be read" in (dict(verify(store))["small"] or "")


def test_a_faulty_manifest_is_found_and_the_others_are_still_judged(store: Path) -> None:
    (store / "broken.toml").write_text("name = 1")
    found = dict(verify(store))
    assert "broken.toml is not a valid model manifest" in (found["broken"] or "")
    assert found["small"] is None


def test_weights_that_no_manifest_speaks_of_are_found(store: Path) -> None:
    (store / "stray.onnx").write_bytes(b"")
    assert "No manifest speaks of it" in (dict(verify(store))["stray.onnx"] or "")


def test_a_model_that_a_shipped_one_hides_is_found(store: Path) -> None:
    (store / f"{OURS}.toml").write_text((MODELS / f"{OURS}.toml").read_text())
    assert "never used" in ([fault for name, fault in verify(store) if name == OURS][1] or "")
