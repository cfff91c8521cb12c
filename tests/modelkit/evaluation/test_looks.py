"""Pictures without known alpha: counts per kind, and sheets."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from modelkit.__main__ import app
from modelkit.evaluation.sheet import cut_out, over, reduced
from tests.imaging.samples import opaque
from tests.modelkit.evaluation.scenes import disc, picture, write_pair
from tests.shipped import NAME


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("looks")
    for seed, name in enumerate(("one", "two", "three")):
        write_pair(folder, name, disc(30 - seed), seed=seed)
    (folder / "manifest.csv").write_text("file,kind\none.jpg,coin\ntwo.jpg,coin\nthree.jpg,plate\n")
    return folder


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["looks", *map(str, arguments)], env={"COLUMNS": "80"})


def test_hazy_pictures_are_counted_per_kind(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--model", NAME, "--out", tmp_path)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "looks.json").read_text())
    assert found["networks"] == [NAME]
    assert {each["name"]: each["kind"] for each in found["pictures"]} == {
        "one.jpg": "coin",
        "two.jpg": "coin",
        "three.jpg": "plate",
    }  # an alpha beside a picture is not a picture
    assert all(0 <= each["haze"][0] < 0.5 and each["difference"] == 0 for each in found["pictures"])
    rows = [line.split() for line in result.output.splitlines()]
    assert [row[1:3] for row in rows if len(row) > 1 and row[1] in ("coin", "plate", "all")] == [
        ["coin", "│"],
        ["plate", "│"],
        ["all", "│"],
    ]
    with Image.open(tmp_path / "sheet-01.png") as sheet:
        assert sheet.width == 4 * 244  # picture, and the cut-out on three grounds


def test_the_most_different_come_first_and_only_so_many(folder: Path, tmp_path: Path) -> None:
    models = ["--model", NAME, "--model", NAME, "--variant", "plain", "--variant", "strong levels"]
    result = run(folder, *models, "--order", "difference", "--cases", "1", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    found = json.loads((tmp_path / "looks.json").read_text())
    assert len(found["networks"]) == 4
    assert len(found["pictures"]) == 3
    with Image.open(tmp_path / "sheet-01.png") as sheet:
        assert sheet.width == 13 * 244
        assert sheet.height < 300


def test_an_unknown_order_is_told_in_a_line(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--order", "colour", "--out", tmp_path)
    assert result.exit_code == 1
    assert "Unknown order colour; there are: haze, difference, name" in result.output


def test_a_small_cut_out_keeps_its_colours_at_the_edge() -> None:
    """What is transparent is black; it must not darken the edge on a white ground."""
    white = np.full((400, 400, 3), 255, np.uint8)
    matte = disc(30).repeat(4, axis=0).repeat(4, axis=1)[:400, :400]
    shown = over(reduced(cut_out(opaque(white[: matte.shape[0], : matte.shape[1]]), matte)), (255, 255, 255))
    assert shown.min() >= 254


def test_a_picture_is_reduced_as_it_is() -> None:
    shown = reduced(opaque(picture(disc(30))).rgba)
    assert shown.shape[2] == 4
    assert max(shown.shape[:2]) == 240
    assert shown[..., 3].min() == 255
