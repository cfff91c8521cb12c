"""The mean of runs: its weights, what it names, and what has no mean."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import numpy_helper

from training.matting.average import average, average_files
from training.matting.experiment import Experiment, ExperimentError
from training.matting.export import export, trained
from training.matting.network import MattingNetwork
from training.matting.run import RunFolder, sha256
from training.matting.tests.pictures import TINY


def run(path: Path, experiment: Experiment, seed: int) -> Path:
    """A finished run of weights by chance."""
    torch.manual_seed(seed)
    folder = RunFolder(path)
    folder.begin(experiment, resume=False)
    folder.save(folder.weights, MattingNetwork(experiment.network).state_dict())
    return path


def test_the_mean_lies_between_and_names_its_parts(tmp_path: Path) -> None:
    runs = [run(tmp_path / str(seed), TINY, seed) for seed in (1, 2)]
    average(runs, tmp_path / "mean")
    first, second, mean = (trained(each).state_dict() for each in (*runs, tmp_path / "mean"))
    for name, value in mean.items():
        assert torch.allclose(value.float(), (first[name] + second[name]).float() / 2)
    parts = json.loads((tmp_path / "mean/average.json").read_text())
    assert parts == [{"run": "tiny", "weights": sha256(each / "weights.pt")} for each in runs]
    assert "weights.pt" in json.loads((tmp_path / "mean/digests.json").read_text())


def test_what_has_no_mean_is_refused(tmp_path: Path) -> None:
    wide = TINY.model_copy(update={"network": TINY.network.model_copy(update={"width": 0.5})})
    one, other = run(tmp_path / "one", TINY, 1), run(tmp_path / "other", wide, 1)
    with pytest.raises(ExperimentError, match="different shapes"):
        average([one, other], tmp_path / "mean")
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun/experiment.json").write_bytes((one / "experiment.json").read_bytes())
    with pytest.raises(ExperimentError, match=r"weights\.pt cannot be read"):
        average([one, tmp_path / "begun"], tmp_path / "mean")
    (one / "checkpoint.pt").write_bytes(b"")
    with pytest.raises(ExperimentError, match="holds a run already"):
        average([one, one], one)


def weights(file: Path) -> dict[str, np.ndarray]:
    return {each.name: numpy_helper.to_array(each) for each in onnx.load(file).graph.initializer}


def test_files_have_a_mean_in_which_one_named_twice_counts_twice(tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.onnx" for seed in (1, 2)]
    for seed, file in enumerate(files, start=1):
        export(run(tmp_path / str(seed), TINY, seed), file, 64)
    average_files([files[0], files[0], files[1]], tmp_path / "mean.onnx")
    first, second, mean = (weights(file) for file in (*files, tmp_path / "mean.onnx"))
    assert any((first[name] != second[name]).any() for name in first)
    for name, value in mean.items():
        assert np.allclose(value, (2.0 * first[name] + second[name]) / 3, atol=1e-6)


def test_files_that_have_no_mean_are_refused(tmp_path: Path) -> None:
    wide = TINY.model_copy(update={"network": TINY.network.model_copy(update={"width": 0.5})})
    one, other, broken = (tmp_path / f"{name}.onnx" for name in ("one", "other", "broken"))
    export(run(tmp_path / "one", TINY, 1), one, 64)
    export(run(tmp_path / "other", wide, 1), other, 64)
    broken.write_bytes(b"no network")
    with pytest.raises(ExperimentError, match="different forms"):
        average_files([one, other], tmp_path / "mean.onnx")
    with pytest.raises(ExperimentError, match="cannot be read as ONNX"):
        average_files([one, broken], tmp_path / "mean.onnx")
