"""The commands: they teach, they run, and they say why they do not."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from training.matting.__main__ import app
from training.matting.tests.pictures import TINY, data_folder

runner = CliRunner()


def invoke(*words: str | Path) -> tuple[int, str]:
    result = runner.invoke(app, [str(word) for word in words], env={"COLUMNS": "200"})
    return result.exit_code, result.output


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_folder(tmp_path / "data")


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    text = (
        f'name = "tiny"\nwhy = "a test"\n[data]\nside = 64\nvalidation = 2\n[network]\nwidth = {TINY.network.width}\n'
    )
    file = tmp_path / "tiny.toml"
    # A start that is not there would be refused, so the encoder begins from chance.
    file.write_text(f"{text}start = false\n[[stages]]\nshare = 1\nside = 64\nbatch = 2\n")
    return file


@pytest.mark.parametrize("command", ["train", "export", "pack", "unpack"])
def test_help_teaches(command: str) -> None:
    code, output = invoke(command, "--help")
    assert code == 0
    assert len(output.splitlines()) > 10


def test_train_and_export(data: Path, experiment: Path, tmp_path: Path) -> None:
    code, output = invoke("train", experiment, "--data", data, "--out", tmp_path / "run", "--steps", "2")
    assert code == 0, output
    code, output = invoke("export", tmp_path / "run", tmp_path / "tiny.onnx", "--side", "64")
    assert code == 0, output
    assert "SHA-256" in output


def test_evaluation_pictures_are_refused(data: Path, experiment: Path, tmp_path: Path) -> None:
    (data / "train_real").rename(data / "eval_dev")
    (data / "train_real").symlink_to(data / "eval_dev")
    code, output = invoke("train", experiment, "--data", data, "--out", tmp_path / "run", "--steps", "1")
    assert code == 1
    assert "never trained on" in output


def test_a_run_needs_a_length(data: Path, experiment: Path, tmp_path: Path) -> None:
    code, output = invoke("train", experiment, "--data", data, "--out", tmp_path / "run")
    assert code == 2
    assert "either --minutes or --steps" in output


def test_pack_and_unpack(data: Path, tmp_path: Path) -> None:
    assert invoke("pack", data, tmp_path / "parts", "--side", "48", "--megabytes", "1")[0] == 0
    assert invoke("unpack", tmp_path / "parts", tmp_path / "there")[0] == 0
    (tmp_path / "parts/part-00.tar").unlink()
    code, output = invoke("unpack", tmp_path / "parts", tmp_path / "elsewhere")
    assert code == 1
    assert "Still missing: part-00.tar" in output
