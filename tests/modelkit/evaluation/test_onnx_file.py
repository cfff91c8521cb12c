"""Unknown ONNX files: what is found out, what has to be told, and that the matte is right in every signature."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.onnx_file import OnnxFile
from modelkit.evaluation.options import Options
from runners.backend import probe_image
from tests.modelkit.evaluation.graphs import SIDE, Shape, save_network
from tests.shipped import SHIPPED

NCHW: Shape = [1, 3, SIDE, SIDE]
NHWC: Shape = ["batch", SIDE, SIDE, 3]


def opened(file: Path, **options: Any) -> OnnxFile:
    return OnnxFile(file, Options.model_validate({"output": 1, **options}), 1)


def assert_cuts_out(backend: OnnxFile) -> None:
    alpha = backend.infer(np.stack([probe_image(SIDE), np.full((SIDE, SIDE, 3), 255, np.uint8)]))
    assert alpha.shape == (2, SIDE, SIDE)
    assert alpha[0, SIDE // 2, SIDE // 2] > 250
    assert alpha[0, 0, 0] < 5
    assert alpha[1].max() < 5


@pytest.mark.parametrize(
    ("tail", "values"), [("Sigmoid", "probabilities"), ("Identity", "logits"), ("Softmax", "probabilities")]
)
@pytest.mark.parametrize(("shape", "axis"), [(NCHW, 1), (NHWC, 3)])
def test_layout_size_and_values_are_found_out(tmp_path: Path, shape: Shape, axis: int, tail: str, values: str) -> None:
    backend = opened(save_network(tmp_path / "net.onnx", shape=shape, channel_axis=axis, tail=tail), normalise="unit")
    assert (backend.size, backend.values) == (SIDE, values)
    assert_cuts_out(backend)
    backend.close()


def test_bytes_need_no_normalisation(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=NHWC, channel_axis=3, dtype=TensorProto.UINT8, scale=255)
    assert_cuts_out(opened(file))


def test_half_floats_are_fed(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=NCHW, channel_axis=1, dtype=TensorProto.FLOAT16)
    assert_cuts_out(opened(file, normalise="unit"))


def test_a_free_size_is_told(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=[1, 3, "h", "w"], channel_axis=1)
    with pytest.raises(EvaluationError, match="does not tell its size: say size="):
        opened(file, normalise="unit")
    assert_cuts_out(opened(file, normalise="unit", size=SIDE))


def test_a_free_layout_is_told(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=["a", "b", "c", "d"], channel_axis=1)
    with pytest.raises(EvaluationError, match="does not tell its layout"):
        opened(file, normalise="unit", size=SIDE)
    assert_cuts_out(opened(file, normalise="unit", size=SIDE, layout="nchw"))


def test_normalisation_is_never_guessed(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=NCHW, channel_axis=1)
    with pytest.raises(EvaluationError, match="does not tell its normalise: say normalise="):
        opened(file)


def test_values_that_may_be_two_things_are_asked_for(tmp_path: Path) -> None:
    file = save_network(tmp_path / "net.onnx", shape=NCHW, channel_axis=1, tail="Relu")
    with pytest.raises(EvaluationError, match="say values=logits"):
        opened(file, normalise="unit")


@pytest.mark.parametrize(
    ("shape", "options", "fault"),
    [
        ([1, 3, SIDE, 2 * SIDE], {}, "64 x 32; only square ones"),
        ([1, 3, SIDE], {}, r"float32 \[1, 3, 32\], is not a picture"),
        (NCHW, {"output": 2}, "has 2 outputs, counted from 0"),
        (NCHW, {"size": 64}, "it failed"),
    ],
)
def test_what_cannot_be_fed_or_read_is_refused(
    tmp_path: Path, shape: Shape, options: dict[str, Any], fault: str
) -> None:
    file = save_network(tmp_path / "net.onnx", shape=shape, channel_axis=1)
    with pytest.raises(EvaluationError, match=fault):
        opened(file, **{"normalise": "unit", **options})


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_text("words")
    with pytest.raises(EvaluationError, match="cannot be loaded"):
        opened(tmp_path / "net.onnx")


def test_the_shipped_network_needs_no_options() -> None:
    backend = OnnxFile(SHIPPED.path, Options(), 1)
    assert (backend.size, backend.values) == (384, "bytes")
    alpha = backend.infer(probe_image(384)[None])
    assert alpha[0, 192, 192] > 200
    assert alpha[0, 0, 0] < 50
