"""python -m runners, as an operator runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import onnxruntime  # type: ignore[import-untyped]
import pytest

from runners.__main__ import main
from sandbox.process import ROOT
from tests.shipped import CPU_BACKEND, NAME, PERMISSIVE, SHIPPED

pytestmark = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this machine may have a GPU"
)
Capture = pytest.CaptureFixture[str]


def _rows(out: str) -> list[dict[str, Any]]:
    """The command's output without the log, which shares stdout only in this process."""
    return [json.loads(line) for line in out.splitlines() if line.startswith("{")]


def test_verify_prints_the_backend_of_the_service(capsys: Capture, tmp_path: Path) -> None:
    assert main(["verify", "--engines", str(tmp_path)]) == 0
    expected = {"model": SHIPPED.label, "backend": CPU_BACKEND, "max_batch": None}
    assert _rows(capsys.readouterr().out) == [expected]


@pytest.mark.parametrize(
    "words", [["verify", "--backend", "tensorrt"], ["verify", "--quick", "--backend", "cuda"], ["build"]]
)
def test_failures_are_printed_for_every_model(capsys: Capture, tmp_path: Path, words: list[str]) -> None:
    assert main([*words, "--engines", str(tmp_path), NAME, PERMISSIVE]) == 1
    captured = capsys.readouterr()
    assert not _rows(captured.out)
    assert [line.partition(":")[0] for line in captured.err.splitlines()] == [NAME, PERMISSIVE]
    assert captured.err.count("Install requirements/") + captured.err.count("nvidia-smi") == 2


def test_the_environment_variables_of_the_service_are_used(tmp_path: Path) -> None:
    variables = {
        "CLEARCANVAS_RUNNER__MODEL": PERMISSIVE,
        "CLEARCANVAS_RUNNER__MORE_MODELS": f"{NAME}=0.10",
        "CLEARCANVAS_RUNNER__BACKEND": "cpu",
        "CLEARCANVAS_RUNNER__ENGINES_FOLDER": str(tmp_path),
    }
    command = [sys.executable, "-m", "runners", "verify"]
    told = subprocess.run(command, cwd=ROOT, env=os.environ | variables, check=True, capture_output=True).stdout
    assert [json.loads(line)["model"].split()[0] for line in told.splitlines()] == [PERMISSIVE, NAME]


def test_bench_measures_each_size_of_batch(capsys: Capture, tmp_path: Path) -> None:
    words = ["bench", "--backend", "cpu", "--batches", "1,2", "--seconds", "0.01", "--engines", str(tmp_path)]
    assert main(words) == 0
    rows = _rows(capsys.readouterr().out)
    assert [row["batch"] for row in rows] == [1, 2]
    assert all(0 < row["ms_fastest"] <= row["ms_median"] for row in rows)


def test_a_missing_model_is_reported_and_the_others_continue(capsys: Capture, tmp_path: Path) -> None:
    assert main(["verify", "--engines", str(tmp_path), "none", NAME]) == 1
    captured = capsys.readouterr()
    assert "none: There is no manifest none.toml" in captured.err
    assert SHIPPED.label in captured.out
