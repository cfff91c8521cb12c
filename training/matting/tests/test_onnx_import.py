"""An exported network is taken back as it was, learns on, and anything else is refused."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from training.matting.experiment import Experiment, ExperimentError
from training.matting.export import export, trained
from training.matting.network import MattingNetwork
from training.matting.onnx_import import take_back
from training.matting.run import RunFolder, sha256
from training.matting.tests.pictures import SIDE, TINY, data_folder
from training.matting.train import Limits, train

FOLDED = TINY.model_copy(update={"network": TINY.network.model_copy(update={"encoder_norm": False})})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("exported"))


def go(data: Path, out: Path, experiment: Experiment, *, steps: int, start: Path | None = None) -> float:
    """Trains, and gives the mean absolute error at the end."""
    rows = train(
        experiment, data, out, Limits(steps=steps), device=torch.device("cpu"), resume=False, start=start,
        cache_folder=data.parent / "cache",
    )  # fmt: skip
    return float(rows[-1]["mae"])


@pytest.fixture(scope="module", params=[TINY, FOLDED], ids=["encoder with norms", "encoder without"])
def run(request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run")
    go(data, out, request.param, steps=40)
    export(out, out / "tiny.onnx", SIDE)
    return out


def foreign() -> onnx.GraphProto:
    """Two convolutions, the first without a bias, whose weights do not fit together."""
    values = {
        "a": np.zeros((8, 3, 1, 1), np.float32),
        "b": np.zeros((4, 8, 1, 1), np.float32),
        "c": np.zeros(4, np.float32),
    }
    nodes = [helper.make_node("Conv", ["x", "a"], ["m"]), helper.make_node("Conv", ["m", "b", "c"], ["y"])]
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]
    return helper.make_graph(
        nodes, "foreign", ends[:1], ends[1:], [numpy_helper.from_array(value, name) for name, value in values.items()]
    )


def test_what_comes_back_computes_what_was_exported(run: Path) -> None:
    pictures = torch.rand((8, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(1)) * 255
    network = MattingNetwork(RunFolder(run).experiment().network)
    take_back(network, run / "tiny.onnx", pictures)
    first, again = trained(run), network.eval()
    with torch.no_grad():
        expected, found = first(pictures)[0].sigmoid(), again(pictures)[0].sigmoid()
    assert float(expected.max() - expected.min()) > 0.1
    assert torch.allclose(expected, found, atol=1e-3)


def test_a_run_goes_on_from_a_file_and_names_it(data: Path, run: Path, tmp_path: Path) -> None:
    experiment = RunFolder(run).experiment()
    begun = go(data, tmp_path / "begun", experiment, steps=1, start=run / "tiny.onnx")
    assert begun < 0.8 * go(data, tmp_path / "from chance", experiment, steps=1)
    assert json.loads((tmp_path / "begun/start.json").read_text()) == {
        "file": "tiny.onnx", "weights": sha256(run / "tiny.onnx"),
    }  # fmt: skip


def test_a_file_of_another_shape_and_no_network_at_all_are_refused(run: Path, tmp_path: Path) -> None:
    network = MattingNetwork(TINY.network.model_copy(update={"width": 0.5}))
    pictures = torch.zeros((1, 3, SIDE, SIDE))
    with pytest.raises(ExperimentError, match="not an exported network of the shape"):
        take_back(network, run / "tiny.onnx", pictures)
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    empty = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "none", [value], [value])
    onnx.save(helper.make_model(empty), tmp_path / "none.onnx")
    with pytest.raises(ExperimentError, match="do not join: not enough values"):
        take_back(network, tmp_path / "none.onnx", pictures)
    onnx.save(helper.make_model(foreign()), tmp_path / "foreign.onnx")
    with pytest.raises(ExperimentError, match="do not join"):
        take_back(network, tmp_path / "foreign.onnx", pictures)
    (tmp_path / "text.onnx").write_text("no network")
    with pytest.raises(ExperimentError, match="cannot be read as ONNX"):
        take_back(network, tmp_path / "text.onnx", pictures)
