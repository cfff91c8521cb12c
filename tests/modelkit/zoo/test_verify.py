"""What `verify` finds."""

from pathlib import Path

import pytest

from modelkit.zoo.adopt import Facts, Papers, adopt
from modelkit.zoo.verify import verify
from models.manifest import MODELS, ModelError, ModelManifest
from tests.modelkit.zoo.graphs import MEAN, STD, conv, save
from tests.shipped import NAME

OURS = NAME
SHIPPED = dict.fromkeys(sorted(file.stem for file in MODELS.glob("*.toml")))


@pytest.fixture
def shelf(tmp_path: Path) -> Path:
    """A folder with one good model."""
    folder = tmp_path / "models"
    adopt(save(tmp_path, conv()), "small", Facts(MEAN, STD), Papers("a test's", "MIT", commercial=True), folder)
    return folder


def test_good_models_are_good(shelf: Path) -> None:
    assert dict(verify(shelf)) == {**SHIPPED, "small": None}
    assert dict(verify(shelf, "small")) == {"small": None}


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert dict(verify(tmp_path / "none")) == SHIPPED


def test_an_unknown_name_is_refused(shelf: Path) -> None:
    with pytest.raises(ModelError, match="no model other"):
        list(verify(shelf, "other"))


def test_changed_weights_are_found(shelf: Path) -> None:
    weights = ModelManifest.load("small", shelf).path
    weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    assert "are not those of small" in (dict(verify(shelf))["small"] or "")


def test_missing_weights_are_found(shelf: Path) -> None:
    ModelManifest.load("small", shelf).path.unlink()
    assert "cannot be read" in (dict(verify(shelf))["small"] or "")


def test_a_faulty_manifest_is_found_and_the_others_are_still_judged(shelf: Path) -> None:
    (shelf / "broken.toml").write_text("name = 1")
    found = dict(verify(shelf))
    assert "broken.toml is no model manifest" in (found["broken"] or "")
    assert found["small"] is None


def test_weights_that_no_manifest_speaks_of_are_found(shelf: Path) -> None:
    (shelf / "stray.onnx").write_bytes(b"")
    assert "No manifest speaks of it" in (dict(verify(shelf))["stray.onnx"] or "")


def test_a_model_that_a_shipped_one_hides_is_found(shelf: Path) -> None:
    (shelf / f"{OURS}.toml").write_text((MODELS / f"{OURS}.toml").read_text())
    assert "never used" in ([fault for name, fault in verify(shelf) if name == OURS][1] or "")
