"""A sharpened network: a half stays, all else moves outward, by as much as is said."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]  # it carries no type information
import pytest
from onnx import TensorProto, helper

from training.matting.experiment import ExperimentError
from training.matting.export import export
from training.matting.sharpen import sharpen
from training.matting.tests.pictures import SIDE, TINY
from training.matting.tests.test_average import run

PICTURE = np.random.default_rng(1).integers(0, 256, (1, SIDE, SIDE, 3), dtype=np.uint8)


def logits(file: Path) -> np.ndarray:
    alpha = onnxruntime.InferenceSession(file).run(None, {"image": PICTURE})[0] / 255
    return np.log(alpha.clip(0.01, 0.99) / (1 - alpha.clip(0.01, 0.99)))


def test_logits_are_so_many_times_as_large(tmp_path: Path) -> None:
    export(run(tmp_path / "run", TINY, 1), tmp_path / "plain.onnx", SIDE)
    sharpen(tmp_path / "plain.onnx", tmp_path / "sharp.onnx", 1.5)
    plain, sharp = logits(tmp_path / "plain.onnx"), logits(tmp_path / "sharp.onnx")
    assert np.abs(plain).mean() > 0.01
    assert np.allclose(sharp, 1.5 * plain, atol=0.05)


def test_what_is_no_exported_network_is_refused(tmp_path: Path) -> None:
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "none", [value], [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])])  # fmt: skip
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(ExperimentError, match="does not end in a convolution"):
        sharpen(tmp_path / "other.onnx", tmp_path / "out.onnx", 1.5)
