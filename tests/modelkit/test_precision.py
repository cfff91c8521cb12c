"""The fp16 file of a model: made from its fp32 weights, near them, and the same each time."""

import hashlib
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from PIL import Image
from typer.testing import CliRunner

from modelkit.__main__ import app
from modelkit.precision.half import half
from models.manifest import MODELS, ModelError
from runners.backend import Pixels
from tests.shipped import NAME, PERMISSIVE, SHIPPED

RENDERS = MODELS.parent / "docs/pictures/renders"


def _pictures() -> Pixels:
    side = SHIPPED.input.size
    files = sorted(RENDERS.glob("*.jpg"))
    return np.stack([np.asarray(Image.open(file).resize((side, side))) for file in files])


def _alpha(content: bytes) -> Pixels:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return np.asarray(onnxruntime.InferenceSession(content, options).run(None, {"image": _pictures()})[0])


def test_the_shipped_file_is_what_the_command_makes(tmp_path: Path) -> None:
    """So a clone can make it again, and the manifest's list of what stays in fp32 is the file's."""
    made = CliRunner().invoke(app, ["half", NAME, "--out", str(tmp_path / "half.onnx")])
    assert made.exit_code == 0, made.output
    digest = hashlib.sha256((tmp_path / "half.onnx").read_bytes()).hexdigest()
    assert digest == SHIPPED.variants["fp16"].sha256
    assert digest in made.output


def test_the_shipped_file_passes_its_gate_on_renders_of_our_own() -> None:
    """On ONNX Runtime's CPU, which rounds each node's output; a GPU's kernels are judged when an engine is accepted."""
    gate = SHIPPED.variants["fp16"].gate
    apart = np.abs(_alpha(SHIPPED.weights("fp16")).astype(int) - _alpha(SHIPPED.weights()))
    assert apart.mean() <= gate.mean
    assert np.percentile(apart, 99.9) <= gate.p99_9


def test_weights_are_in_half_precision_but_for_those_that_are_kept() -> None:
    weights = {each.name: each.data_type for each in onnx.load_from_string(SHIPPED.weights("fp16")).graph.initializer}
    assert weights["encoder.stem.convolution.weight"] == onnx.TensorProto.FLOAT
    assert weights["encoder.blocks.5.layers.0.convolution.weight"] == onnx.TensorProto.FLOAT16


def test_a_prefix_that_fits_no_node_is_refused() -> None:
    with pytest.raises(ModelError, match="begins with /decoder"):
        half(SHIPPED.weights(), ["/encoder/stem/", "/decoder"])


def test_without_its_ends_in_fp32_the_graph_is_refused() -> None:
    """The converter leaves casts to float as they are; what reads them would mix both types."""
    with pytest.raises(ModelError, match="not valid ONNX"):
        half(SHIPPED.weights(), ["/encoder/stem/"])


def test_a_model_without_a_plan_is_refused() -> None:
    refused = CliRunner().invoke(app, ["half", PERMISSIVE])
    assert refused.exit_code == 1
    assert "has no [variants.fp16]" in refused.output
