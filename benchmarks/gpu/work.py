"""What a graph has to compute and to move: the base of the distance to the roofline."""

from dataclasses import dataclass
from math import prod

import onnx
from onnx import NodeProto, numpy_helper


@dataclass(frozen=True)
class Work:
    """Of one picture.

    Attributes:
        flop: of convolutions and matrix products, a multiplication and an addition apart.
        values: that these read and write, without weights.
        weights: values that are read once a batch, however many pictures it has.
    """

    flop: int
    values: int
    weights: int

    def seconds(self, batch: int, *, flops: float, bytes_per_s: float, bytes_each: int) -> float:
        """The least time of a batch: arithmetic and memory traffic side by side, neither better than was measured."""
        moved = (batch * self.values + self.weights) * bytes_each
        return max(batch * self.flop / flops, moved / bytes_per_s)


def work(content: bytes) -> Work:
    """Count a graph with one picture."""
    model = onnx.load_from_string(content)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    known = (*graph.value_info, *graph.input, *graph.output)
    shapes = {each.name: tuple(axis.dim_value for axis in each.type.tensor_type.shape.dim) for each in known}
    shapes |= {each.name: tuple(each.dims) for each in graph.initializer}
    weights = {each.name for each in graph.initializer}
    flop = values = 0
    for node in graph.node:
        if node.op_type in ("Conv", "MatMul"):
            flop += _flop(node, shapes)
            values += sum(prod(shapes[name]) for name in (*node.input, *node.output) if name not in weights)
    return Work(flop, values, sum(numpy_helper.to_array(each).size for each in graph.initializer))


def _flop(node: NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    out, second = prod(shapes[node.output[0]]), shapes[node.input[1]]
    return 2 * out * (prod(second[1:]) if node.op_type == "Conv" else second[-2])
