"""uint8 only at a graph's input and output, with unchanged outputs."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest
from onnx import NodeProto, TensorProto, helper

from runners.backend import Pixels
from runners.tensorrt.graph import parseable
from tests.modelkit.zoo.graphs import SIZE, constant, conv, node
from tests.shipped import SHIPPED

HEAD = [node("Transpose", ["image"], "t", perm=[0, 3, 1, 2]), node("Cast", ["t"], "x", to=TensorProto.FLOAT)]
TAIL = [node("Sigmoid", ["logits"], "p"), *constant("top", np.array([255], np.float32)), node("Mul", ["p", "top"], "m")]
BYTES = node("Cast", ["m"], "b", to=TensorProto.UINT8)
SHAPE = constant("shape", np.array([-1, SIZE, SIZE], np.int64))
RESHAPED = [BYTES, *SHAPE, node("Reshape", ["b", "shape"], "r"), node("Identity", ["r"], "alpha")]


def _graph(nodes: list[NodeProto]) -> bytes:
    ends = (("image", ("N", SIZE, SIZE, 3)), ("alpha", ("N", SIZE, SIZE)))
    taken, given = (helper.make_tensor_value_info(name, TensorProto.UINT8, axes) for name, axes in ends)
    model = helper.make_model(
        helper.make_graph(nodes, "network", [taken], [given]), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    return bytes(model.SerializeToString())


def _run(content: bytes, pictures: Pixels) -> Pixels:
    return np.asarray(onnxruntime.InferenceSession(content).run(None, {"image": pictures})[0])


def _noise(size: int) -> Pixels:
    return np.random.default_rng(0).integers(0, 256, (2, size, size, 3), np.uint8)


def _kinds(content: bytes) -> list[str]:
    return [each.op_type for each in onnx.load_from_string(content).graph.node if each.op_type != "Constant"]


def test_casts_move_to_the_input_and_output() -> None:
    before = _graph([*HEAD, *conv(), *TAIL, *RESHAPED])
    after = parseable(before)
    assert _kinds(after) == ["Cast", "Transpose", "Conv", "Sigmoid", "Mul", "Reshape", "Identity", "Cast"]
    onnx.checker.check_model(onnx.load_from_string(after), full_check=True)
    np.testing.assert_array_equal(_run(after, _noise(SIZE)), _run(before, _noise(SIZE)))


def test_the_shipped_network_changes_no_bit() -> None:
    before = SHIPPED.weights()
    after = parseable(before)
    assert _kinds(after)[:2] == ["Cast", "Transpose"]
    side = SHIPPED.input.size
    np.testing.assert_array_equal(_run(after, _noise(side)), _run(before, _noise(side)))


def test_a_valid_graph_is_unchanged() -> None:
    content = parseable(SHIPPED.weights())
    assert parseable(content) is content


def test_values_with_several_readers_are_unchanged() -> None:
    """Moving the cast would change the values of the other readers."""
    twice = [
        *HEAD,
        node("Cast", ["t"], "y", to=TensorProto.FLOAT),
        node("Add", ["x", "y"], "sum"),
        *conv("sum"),
        *TAIL,
        node("Squeeze", ["m", "one"], "s"),
        *constant("one", np.array([1], np.int64)),
        node("Cast", ["s"], "alpha", to=TensorProto.UINT8),
    ]
    content = _graph(sorted(twice, key=lambda each: each.op_type != "Constant"))
    assert parseable(content) is content


@pytest.mark.parametrize("nodes", [[node("ArgMax", ["image"], "alpha")], []])
def test_a_graph_without_casts_is_unchanged(nodes: list[NodeProto], tmp_path: Path) -> None:
    content = _graph(nodes)
    assert parseable(content) is content
