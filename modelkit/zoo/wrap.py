"""Graph surgery: any matting network in our form, uint8 RGB [N,S,S,3] `image` → uint8 alpha [N,S,S] `alpha`."""

from typing import Any, Literal

import numpy as np
import onnx
from google.protobuf.message import EncodeError  # type: ignore[import-untyped]
from numpy.typing import ArrayLike
from onnx import NodeProto, TensorProto, compose, helper, numpy_helper

from modelkit.zoo.signature import Signature
from models import Colour, ModelError, Values

INPUT, OUTPUT = "image", "alpha"
_NETWORK = "network/"
_OLDEST_IR = 4  # before it, every constant had to be an input as well


def wrap(
    model: onnx.ModelProto,
    signature: Signature,
    *,
    mean: Colour | None,
    std: Colour | None,
    values: Values,
    batch: Literal["any", "one"],
) -> None:
    """Give the graph our two ends, in place.

    Before: (pixel / 255 - mean) / std, and the layout. After: the sigmoid of logits, 0..1 to 0..255 rounded half up. No
    stretching by a picture's own minimum and maximum: a picture without a subject stays empty, and what else is in the
    batch does not matter.

    Args:
        mean, std: None for a network that takes pixels as they are.
        batch: "any" frees the first axis; whether the nodes inside bear that is seen when it runs.
    """
    graph = model.graph
    compose.add_prefix_graph(graph, _NETWORK, inplace=True)
    before = _before(signature, mean, std)
    after = _after(signature, values)
    nodes = [*before, *graph.node, *after]
    # Shapes noted for a batch of one, or for any size, are wrong now; every runtime finds them by itself.
    for field in (graph.node, graph.input, graph.output, graph.value_info):
        del field[:]
    graph.node.extend(nodes)
    pictures: int | str = 1 if batch == "one" else "N"
    side = signature.size
    graph.input.append(helper.make_tensor_value_info(INPUT, TensorProto.UINT8, [pictures, side, side, 3]))
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.UINT8, [pictures, side, side]))
    model.ir_version = max(model.ir_version, _OLDEST_IR)


def serialised(model: onnx.ModelProto) -> bytes:
    """The file's content, once the graph has passed the format's own check."""
    try:
        onnx.checker.check_model(model)
        return bytes(model.SerializeToString())
    except (onnx.checker.ValidationError, EncodeError, ValueError) as error:  # the latter two: over 2 GB
        raise ModelError(f"The wrapped graph is not valid ONNX: {error}") from error


def _before(signature: Signature, mean: Colour | None, std: Colour | None) -> list[NodeProto]:
    chain = _Chain(INPUT)
    if signature.input.dtype != "uint8":
        chain.add("Cast", to=TensorProto.FLOAT)
    if mean is not None and std is not None:
        chain.add("Mul", np.float32(1) / (np.float32(255) * np.array(std, np.float32)))
        chain.add("Sub", np.array(mean, np.float32) / np.array(std, np.float32))
    if signature.layout == "NCHW":
        chain.add("Transpose", perm=[0, 3, 1, 2])
    if signature.input.dtype == "float16":
        chain.add("Cast", to=TensorProto.FLOAT16)
    return chain.ending(_NETWORK + signature.input.name)


def _after(signature: Signature, values: Values) -> list[NodeProto]:
    chain = _Chain(_NETWORK + signature.output.name)
    if signature.output.dtype == "float16":
        chain.add("Cast", to=TensorProto.FLOAT)
    if values == "logits":
        chain.add("Sigmoid")
    if values != "alpha":
        chain.add("Mul", np.float32(255))
    if signature.output.dtype != "uint8":
        chain.add("Max", np.float32(0))
        chain.add("Min", np.float32(255))
        chain.add("Add", np.float32(0.5))  # Cast cuts off
    chain.add("Reshape", np.array([-1, signature.size, signature.size], np.int64))
    if signature.output.dtype != "uint8":
        chain.add("Cast", to=TensorProto.UINT8)  # last: TensorRT has no bytes inside of a network
    return chain.ending(OUTPUT)


class _Chain:
    """Nodes of which each takes what the one before gives, and a constant where it has one."""

    def __init__(self, start: str) -> None:
        self._nodes: list[NodeProto] = []
        self._stem = f"clearcanvas/{start}"
        self._last = start

    def add(self, kind: str, constant: ArrayLike | None = None, **attributes: Any) -> None:
        name = f"{self._stem}/{len(self._nodes)}"
        inputs = [self._last]
        if constant is not None:
            value = numpy_helper.from_array(np.asarray(constant), f"{name}/value")
            self._nodes.append(helper.make_node("Constant", [], [f"{name}/constant"], f"{name}/constant", value=value))
            inputs.append(f"{name}/constant")
        self._nodes.append(helper.make_node(kind, inputs, [name], name, **attributes))
        self._last = name

    def ending(self, name: str) -> list[NodeProto]:
        """All nodes, the last of which gives `name`."""
        if self._nodes:
            self._nodes[-1].output[:] = [name]
        else:
            self._nodes.append(helper.make_node("Identity", [self._last], [name], f"{self._stem}/end"))
        return self._nodes
