"""An image carries the models that it is to serve, whole, and no others."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.keep_models import keep
from models.manifest import MODELS, ModelError, ModelManifest
from sandbox.process import ROOT
from tests.shipped import NAME


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped manifests and weights."""
    for manifest in MODELS.glob("*.toml"):
        shutil.copy(manifest, tmp_path)
    shutil.copytree(MODELS / "weights", tmp_path / "weights")
    return tmp_path


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_the_named_model_stays_with_all_its_files(folder: Path) -> None:
    before = _files(folder)
    removed = keep([NAME], folder)
    manifest = ModelManifest.load(NAME, folder)
    needed = {f"{NAME}.toml"} | {manifest.path_of(each).relative_to(folder).as_posix() for each in manifest.precisions}
    assert _files(folder) == needed
    assert {path.relative_to(folder).as_posix() for path in removed} == before - needed


def test_several_models_stay(folder: Path) -> None:
    names = sorted(path.stem for path in folder.glob("*.toml"))
    keep(names, folder)
    assert sorted(path.stem for path in folder.glob("*.toml")) == names


def test_nothing_goes_when_a_model_is_missing_or_damaged(folder: Path) -> None:
    before = _files(folder)
    with pytest.raises(ModelError, match=r"no manifest another\.toml"):
        keep([NAME, "another"], folder)
    ModelManifest.load(NAME, folder).path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="do not match the manifest of"):
        keep([NAME], folder)
    assert _files(folder) == before


def test_the_command_says_what_is_wrong() -> None:
    command = [sys.executable, "-m", "deploy.keep_models", "another"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "There is no manifest another.toml" in ended.stderr
    assert "Traceback" not in ended.stderr
