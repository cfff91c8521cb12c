"""An ONNX graph run by torch, node by node: what a network costs without a compiler."""

from collections.abc import Callable
from typing import Any

import onnx
import torch
from onnx import NodeProto, helper, numpy_helper
from torch import Tensor
from torch.nn import functional

_TYPES = {
    onnx.TensorProto.FLOAT: torch.float32,
    onnx.TensorProto.FLOAT16: torch.float16,
    onnx.TensorProto.UINT8: torch.uint8,
}
Attributes = dict[str, Any]


class TorchGraph:
    """Calls like a module: uint8 [N,S,S,3] → uint8 [N,S,S].

    Args:
        half: fp32 is taken for fp16, weights as well; the ends stay bytes.
    """

    def __init__(self, content: bytes, device: str, *, half: bool = False) -> None:
        graph = onnx.load_from_string(content).graph
        self._device, self._float = device, torch.float16 if half else torch.float32
        self._weights = {each.name: self._tensor(each) for each in graph.initializer}
        self._numbers = {each.name: numpy_helper.to_array(each) for each in graph.initializer if each.data_type == 7}
        self._steps: list[tuple[Callable[..., Any], NodeProto, Attributes]] = []
        for node in graph.node:
            self._take(node)
        self._input, self._output = graph.input[0].name, graph.output[0].name

    def __call__(self, images: Tensor) -> Tensor:
        """Run it."""
        values: dict[str, Any] = {self._input: images}
        for step, node, attributes in self._steps:
            inputs = [self._value(name, values) for name in node.input]
            found = step(*inputs, **attributes)
            if len(node.output) == 1:
                values[node.output[0]] = found
            else:
                values.update(zip(node.output, found, strict=True))
        result: Tensor = values[self._output]
        return result

    def _value(self, name: str, values: dict[str, Any]) -> Any:
        if not name:
            return None
        if name in self._numbers:
            return self._numbers[name].tolist()
        return values[name] if name in values else self._weights[name]

    def _take(self, node: NodeProto) -> None:
        attributes = {each.name: helper.get_attribute_value(each) for each in node.attribute}
        if node.op_type == "Constant":
            value = attributes["value"]
            self._weights[node.output[0]] = self._tensor(value)
            if value.data_type == onnx.TensorProto.INT64:
                self._numbers[node.output[0]] = numpy_helper.to_array(value)
            return
        if node.op_type == "Cast":
            kind = _TYPES[attributes["to"]]
            attributes = {"to": self._float if kind.is_floating_point else kind}
        self._steps.append((_STEPS[node.op_type], node, attributes))

    def _tensor(self, stored: onnx.TensorProto) -> Tensor:
        tensor = torch.tensor(numpy_helper.to_array(stored), device=self._device)
        return tensor.to(self._float) if tensor.is_floating_point() else tensor


def _conv(x: Tensor, weight: Tensor, bias: Tensor | None = None, **attributes: Any) -> Tensor:
    top, left, bottom, right = attributes.get("pads", (0, 0, 0, 0))
    if (top, left) != (bottom, right):
        x, top, left = functional.pad(x, (left, right, top, bottom)), 0, 0
    strides, dilations = attributes.get("strides", (1, 1)), attributes.get("dilations", (1, 1))
    return functional.conv2d(x, weight, bias, strides, (top, left), dilations, attributes.get("group", 1))


def _resize(x: Tensor, _: Any, scales: Tensor, **__: Any) -> Tensor:
    return functional.interpolate(x, scale_factor=tuple(scales[2:].tolist()), mode="bilinear", align_corners=False)


def _slice(x: Tensor, starts: list[int], ends: list[int], axes: list[int]) -> Tensor:
    [start], [end], [axis] = starts, ends, axes
    return x.narrow(axis, start, min(end, x.shape[axis]) - start)


def _norm(x: Tensor, weight: Tensor, bias: Tensor, **_: Any) -> Tensor:
    return functional.layer_norm(x, (x.shape[-1],), weight, bias)


_STEPS: dict[str, Callable[..., Any]] = {
    "Add": torch.add,
    "Cast": lambda x, to: x.to(to),
    "Clip": lambda x, low, high: torch.minimum(torch.maximum(x, low), high),
    "Concat": lambda *parts, axis: torch.cat(parts, axis),
    "Conv": _conv,
    "DepthToSpace": lambda x, blocksize, mode: functional.pixel_shuffle(x, blocksize),
    "Div": torch.div,
    "Erf": torch.erf,
    "LayerNormalization": _norm,
    "MatMul": torch.matmul,
    "Mul": torch.mul,
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(tuple(axes), keepdim=bool(keepdims)),
    "Relu": torch.relu,
    "Reshape": lambda x, shape: x.reshape(shape),
    "Resize": _resize,
    "Sigmoid": torch.sigmoid,
    "Slice": _slice,
    "Softmax": lambda x, axis=-1: torch.softmax(x, axis),
    "Split": lambda x, axis: list(x.chunk(3, axis)),
    "Squeeze": lambda x, axes: x.squeeze(axes[0]),
    "Sub": torch.sub,
    "Transpose": lambda x, perm: x.permute(*perm),
}
"""Operators of the shipped network and of `graphs.py`."""
