"""The commands: they teach, and they say what is missing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from training.render.__main__ import app
from training.render.batch import FOREGROUNDS, make, plan
from training.render.families import FAMILIES
from training.render.tests.disc_renderer import DiscRenderer

ROOT = Path(__file__).parents[3]
runner = CliRunner()


def invoke(*words: str | Path) -> tuple[int, str]:
    result = runner.invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.mark.parametrize("command", ["make", "products", "sheet", "families"])
def test_help_teaches(command: str) -> None:
    code, output = invoke(command, "--help")
    assert code == 0
    assert len(output.splitlines()) > 6


def test_families_are_listed_with_what_they_are_for() -> None:
    code, output = invoke("families")
    assert code == 0
    assert all(name in output for name in FAMILIES)


def test_without_blender_it_says_how_to_get_it(tmp_path: Path) -> None:
    script = "import sys; sys.modules['bpy'] = None; from training.render.__main__ import app; app()"
    words = ["make", "--out", str(tmp_path), "--count", "1"]
    ended = subprocess.run(
        [sys.executable, "-c", script, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 1
    assert "training/render/requirements.txt" in ended.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_family_that_is_not_there_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    code, output = invoke("make", "--out", tmp_path, "--families", "plant,unicorn")
    assert code == 1
    assert "Unknown family unicorn" in output


def test_a_finished_batch_needs_no_blender(tmp_path: Path) -> None:
    tasks = plan(seed=3, count=4, families=["rope"], pairs=0.25)
    list(make(tasks, tmp_path, DiscRenderer()))
    code, output = invoke("make", "--out", tmp_path, "--seed", "3", "--count", "4", "--families", "rope")
    assert code == 0, output
    with Image.open(tmp_path / f"{FOREGROUNDS}.jpg") as sheet:
        assert np.asarray(sheet).shape == (160, 640, 3)


def test_a_sheet_of_a_folder(tmp_path: Path) -> None:
    list(make(plan(seed=0, count=3, families=[], pairs=0), tmp_path, DiscRenderer()))
    code, output = invoke("sheet", tmp_path / FOREGROUNDS, "--tile", "50", "--out", tmp_path / "all.jpg")
    assert code == 0, output
    assert (tmp_path / "all.jpg").is_file()


def test_a_folder_without_pictures_has_no_sheet(tmp_path: Path) -> None:
    code, output = invoke("sheet", tmp_path)
    assert code == 1
    assert "no manifest.csv" in output
