"""The commands as an operator types them."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from modelkit.__main__ import app
from modelkit.zoo.entries import catalogue
from sandbox.process import ROOT
from tests.modelkit.zoo.graphs import conv, deform_conv, save
from tests.shipped import NAME

Run = Callable[..., Result]
IMAGENET = ("--mean", "0.485", "0.456", "0.406", "--std", "0.229", "0.224", "0.225")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`python -m modelkit ...` with a folder of its own."""
    env = {"CLEARCANVAS_RUNNER__MODELS_FOLDER": str(tmp_path / "models"), "COLUMNS": "200"}
    return lambda *words: CliRunner().invoke(app, list(map(str, words)), env=env)


def _add(run: Run, folder: Path, *words: str) -> Result:
    return run("add", save(folder, conv()), "--name", "small", "--licence", "MIT", *IMAGENET, *words)


def test_list_shows_what_ships_what_is_here_and_what_there_is(run: Run, tmp_path: Path) -> None:
    assert _add(run, tmp_path).exit_code == 0
    states = {row[0]: row[1] for line in run("list").output.splitlines() if len(row := line.split()) > 1}
    assert (states[NAME], states["small"]) == ("shipped", "yes")
    assert {states[name] for name in catalogue()} == {"no"}


def test_show_tells_all_of_the_catalogue_and_of_what_is_here(run: Run, tmp_path: Path) -> None:
    shown = run("show", "birefnet-hr-matting").output
    assert "url: https://huggingface.co/" in shown
    assert "digest: none published" in shown
    assert "origin" not in shown
    _add(run, tmp_path)
    assert "origin.values: logits" in run("show", "small").output
    assert "provenance.data.0.licence" in run("show", NAME).output


def test_add_says_what_was_found_and_how_to_serve_it(run: Run, tmp_path: Path) -> None:
    told = _add(run, tmp_path, "--non-commercial").output
    assert "Output logits: logits. Pictures per run: any." in told
    assert "Checked: run with onnxruntime" in told
    assert "do not sell with it" in told
    assert "CLEARCANVAS_RUNNER__MODEL=small" in told


def test_add_says_what_tensorrt_cannot_run(run: Run, tmp_path: Path) -> None:
    words = ("--name", "small", "--licence", "MIT", *IMAGENET)
    assert "TensorRT" not in run("add", save(tmp_path, conv()), *words).output
    told = run("add", save(tmp_path, deform_conv(), opset=19), *words, "--replace").output
    assert "TensorRT does not know DeformConv: it runs on cuda and cpu." in told


def test_every_entry_says_what_runs_it(run: Run) -> None:
    assert "backends: tensorrt, cuda, cpu" in run("show", "u2net").output
    assert all("cpu" in entry.backends for entry in catalogue().values())
    assert not [
        name for name, entry in catalogue().items() if "tensorrt" not in entry.backends and not entry.backends_note
    ]


def test_faults_are_told_in_one_line(run: Run, tmp_path: Path) -> None:
    for words, fault in (
        (("pull", "bria-rmbg"), "forbids commercial use"),
        (("pull", "none"), "The catalogue has no none"),
        (("show", "none"), "The catalogue has no none"),
        (("verify", "none"), "There is no model none"),
        (("add", tmp_path / "none.onnx", "--name", "a", "--licence", "MIT"), "cannot be read"),
    ):
        result = run(*words)
        assert result.exit_code == 1
        assert fault in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_verify_fails_when_something_is_wrong(run: Run, tmp_path: Path) -> None:
    _add(run, tmp_path)
    good = run("verify")
    assert good.exit_code == 0
    assert {f"{NAME}: good", "small: good"} <= set(good.output.splitlines())
    next((tmp_path / "models").glob("*.onnx")).write_bytes(b"")
    bad = run("verify")
    assert bad.exit_code == 1
    assert "small: The weights" in bad.output


def test_only_what_wraps_needs_the_tools_packages() -> None:
    """The service's packages are enough for all that does not touch a graph."""
    looked = "import sys, modelkit.__main__, modelkit.zoo.output, modelkit.zoo.verify; print('onnx' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", looked], cwd=ROOT, check=True, capture_output=True, text=True)
    assert found.stdout == "False\n"


def test_a_missing_package_is_told_with_the_way_to_it(tmp_path: Path) -> None:
    """As it is where only the service is installed."""
    without = "import sys; sys.modules['onnx'] = None; from modelkit.__main__ import app; app()"
    words = ["add", "x.onnx", "--name", "x", "--licence", "MIT", "--folder", str(tmp_path)]
    found = subprocess.run(
        [sys.executable, "-c", without, *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert found.stderr.startswith("The package onnx is missing; ")
