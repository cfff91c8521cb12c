"""Small networks that cut out what is dark, in the signatures that published ones have."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper

SIDE = 32
Shape = list[int | str]


def save_network(
    file: Path,
    *,
    shape: Shape,
    channel_axis: int,
    tail: str = "Sigmoid",
    dtype: int = TensorProto.FLOAT,
    scale: float = 1.0,
) -> Path:
    """A graph of one input `picture` and two outputs: first its brightness, then the matte.

    Args:
        shape: of the input.
        channel_axis: where the colours are; the outputs keep the axis with one element.
        tail: "Sigmoid", "Identity" for logits, "Softmax" over background and foreground, "Relu" for what is unclear.
        scale: the largest value of a colour.
    """
    nodes = [
        helper.make_node("Cast", ["picture"], ["colours"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["colours", "axis"], ["bright"], keepdims=1),
        helper.make_node("Mul", ["bright", "slope"], ["steep"]),
        helper.make_node("Add", ["steep", "offset"], ["logits"]),
    ]
    if tail == "Softmax":
        nodes += [
            helper.make_node("Neg", ["logits"], ["background"]),
            helper.make_node("Concat", ["background", "logits"], ["both"], axis=channel_axis),
            helper.make_node("Softmax", ["both"], ["matte"], axis=channel_axis),
        ]
    else:
        nodes.append(helper.make_node(tail, ["logits"], ["matte"]))
    constants = [
        helper.make_tensor("axis", TensorProto.INT64, [1], [channel_axis]),
        helper.make_tensor("slope", TensorProto.FLOAT, [1], [-40 / scale]),
        helper.make_tensor("offset", TensorProto.FLOAT, [1], [20]),
    ]
    graph = helper.make_graph(
        nodes,
        "dark",
        [helper.make_tensor_value_info("picture", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("bright", "matte")],
        constants,
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), file)
    return file
