"""The mean of runs: its weights, what it names, and what has no mean."""

import json
from pathlib import Path

import pytest
import torch

from training.matting.average import average
from training.matting.experiment import Experiment, ExperimentError
from training.matting.export import trained
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
