"""Export: the service's form, the network's values, the same bytes each time."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it carries no type information
import pytest
import torch

from training.matting.experiment import ExperimentError
from training.matting.export import export, trained
from training.matting.run import sha256
from training.matting.tests.pictures import TINY, data_folder, disc
from training.matting.train import Limits, train


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    train(
        TINY, data_folder(folder / "data"), folder / "run", Limits(steps=12), device=torch.device("cpu"), resume=False
    )
    return folder / "run"


@pytest.fixture(scope="module")
def file(run: Path) -> Path:
    export(run, run / "out/tiny.onnx", 64)
    return run / "out/tiny.onnx"


def test_the_graph_takes_and_gives_what_the_service_does(file: Path) -> None:
    graph = onnx.load(file)
    assert [(opset.domain, opset.version) for opset in graph.opset_import] == [("", 17)]
    session = onnxruntime.InferenceSession(file)
    (image,), (alpha,) = session.get_inputs(), session.get_outputs()
    assert (image.name, image.type, image.shape) == ("image", "tensor(uint8)", ["N", 64, 64, 3])
    assert (alpha.name, alpha.type, alpha.shape) == ("alpha", "tensor(uint8)", ["N", 64, 64])


def test_it_computes_what_torch_does_for_any_number_of_pictures(run: Path, file: Path) -> None:
    pictures = np.stack([disc(seed)[0][:, :64, ::-1] for seed in range(5)])
    session = onnxruntime.InferenceSession(file)
    together = session.run(None, {"image": pictures})[0]
    with torch.no_grad():
        logits = trained(run)(torch.from_numpy(pictures).permute(0, 3, 1, 2).float())[0]
    expected = (logits.sigmoid()[:, 0] * 255).round().numpy()
    assert np.ptp(expected) > 100
    assert np.abs(together - expected).max() <= 1
    for number, picture in enumerate(pictures):
        alone = session.run(None, {"image": picture[None]})[0][0]
        assert np.abs(alone.astype(int) - together[number]).max() <= 1


def test_the_same_weights_give_the_same_bytes(run: Path, file: Path, tmp_path: Path) -> None:
    export(run, tmp_path / "again.onnx", 64)
    assert sha256(tmp_path / "again.onnx") == sha256(file)


def test_a_run_under_way_gives_its_last_checkpoint(run: Path, tmp_path: Path) -> None:
    for name in ("experiment.json", "checkpoint.pt"):
        (tmp_path / name).write_bytes((run / name).read_bytes())
    one, other = trained(run).state_dict(), trained(tmp_path).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_exported_is_refused(run: Path, tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match="multiple of 32"):
        export(run, tmp_path / "a.onnx", 100)
    with pytest.raises(ExperimentError, match="is not a run's folder"):
        export(tmp_path, tmp_path / "a.onnx", 64)
    (tmp_path / "experiment.json").write_bytes((run / "experiment.json").read_bytes())
    with pytest.raises(ExperimentError, match="no weights and no checkpoint"):
        export(tmp_path, tmp_path / "a.onnx", 64)


def test_bytes_are_cast_before_anything_else_reads_them(file: Path) -> None:
    """TensorRT knows them at the ends of a network only."""
    first, *_, last = onnx.load(file).graph.node
    assert (first.op_type, list(first.input)) == ("Cast", ["image"])
    assert (last.op_type, list(last.output)) == ("Cast", ["alpha"])
