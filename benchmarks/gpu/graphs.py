"""A network of BiRefNet's class with random weights, in our form: a Swin encoder, a convolutional decoder.

It stands for what large models cost, not for what they see. Left out are the second pass over a smaller picture, the
deformable convolutions and the auxiliary heads of the original. Windows are of 16 tokens, so that they divide 1024 px.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper


@dataclass(frozen=True)
class Shape:
    """What the network looks like.

    Attributes:
        size: pixels per side.
        window: tokens per side of a window of attention; divides the tokens of every stage.
        widths, depths, heads: by stage.
    """

    size: int
    window: int
    widths: tuple[int, ...]
    depths: tuple[int, ...]
    heads: tuple[int, ...]
    decoder: int


LARGE = Shape(1024, 16, (192, 384, 768, 1536), (2, 2, 18, 2), (6, 12, 24, 48), 256)
"""As Swin-L: some 200 million parameters."""
TINY = Shape(128, 4, (16, 32, 64, 128), (1, 2, 2, 1), (1, 2, 4, 8), 16)
"""To try everything around it."""


class _Net:
    """Nodes and weights as they are added; every method takes and gives names of values."""

    def __init__(self, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.weights: list[TensorProto] = []
        self.part = ""

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        name = f"{self.part}/{kind.lower()}{len(self.nodes)}"
        names = [f"{name}_{index}" for index in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name, **attributes))
        return names

    def one(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.add(kind, *inputs, **attributes)[0]

    def constant(self, value: NDArray[Any]) -> str:
        self.weights.append(numpy_helper.from_array(value, f"w{len(self.weights)}"))
        return self.weights[-1].name

    def random(self, *shape: int, scale: float) -> str:
        return self.constant((self._random.standard_normal(shape) * scale).astype(np.float32))

    def numbers(self, *values: int) -> str:
        return self.constant(np.array(values, np.int64))

    def number(self, value: float) -> str:
        return self.constant(np.array(value, np.float32))

    def conv(self, x: str, ins: int, outs: int, kernel: int, stride: int = 1) -> str:
        weight = self.random(outs, ins, kernel, kernel, scale=(2 / (ins * kernel**2)) ** 0.5)
        pad = (kernel - stride) // 2 if stride > 1 else kernel // 2
        bias = self.random(outs, scale=0.01)
        return self.one("Conv", x, weight, bias, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def linear(self, x: str, ins: int, outs: int) -> str:
        product = self.one("MatMul", x, self.random(ins, outs, scale=ins**-0.5))
        return self.one("Add", product, self.random(outs, scale=0.01))

    def norm(self, x: str, width: int) -> str:
        ones, zeros = self.constant(np.ones(width, np.float32)), self.constant(np.zeros(width, np.float32))
        return self.one("LayerNormalization", x, ones, zeros, axis=-1)

    def gelu(self, x: str) -> str:
        wave = self.one("Erf", self.one("Mul", x, self.number(0.5**0.5)))
        return self.one("Mul", self.one("Mul", x, self.number(0.5)), self.one("Add", wave, self.number(1.0)))

    def shaped(self, x: str, *shape: int) -> str:
        return self.one("Reshape", x, self.numbers(*shape))

    def turned(self, x: str, *axes: int) -> str:
        return self.one("Transpose", x, perm=list(axes))

    def rolled(self, x: str, by: int, axis: int, length: int) -> str:
        """Like numpy.roll with -by."""
        ends = [(by, length), (0, by)]
        parts = [
            self.one("Slice", x, self.numbers(start), self.numbers(end), self.numbers(axis)) for start, end in ends
        ]
        return self.one("Concat", *parts, axis=axis)


def _attention(net: _Net, x: str, width: int, heads: int, tokens: int) -> str:
    """[windows, tokens, width] → the same."""
    each = width // heads
    qkv = net.turned(net.shaped(net.linear(x, width, 3 * width), -1, tokens, 3, heads, each), 2, 0, 3, 1, 4)
    q, k, v = (net.one("Squeeze", part, net.numbers(0)) for part in net.add("Split", qkv, outputs=3, axis=0))
    scores = net.one("MatMul", net.one("Mul", q, net.number(each**-0.5)), net.turned(k, 0, 1, 3, 2))
    scores = net.one("Add", scores, net.random(1, heads, tokens, tokens, scale=0.02))  # relative positions
    mixed = net.one("MatMul", net.one("Softmax", scores, axis=-1), v)
    return net.linear(net.shaped(net.turned(mixed, 0, 2, 1, 3), -1, tokens, width), width, width)


def _block(net: _Net, x: str, width: int, heads: int, *, side: int, window: int, shift: int) -> str:
    """[N, side, side, width] → the same."""
    y = net.norm(x, width)
    for axis in (1, 2) if shift else ():
        y = net.rolled(y, shift, axis, side)
    per = side // window
    y = net.turned(net.shaped(y, -1, per, window, per, window, width), 0, 1, 3, 2, 4, 5)
    y = _attention(net, net.shaped(y, -1, window * window, width), width, heads, window * window)
    y = net.turned(net.shaped(y, -1, per, per, window, window, width), 0, 1, 3, 2, 4, 5)
    y = net.shaped(y, -1, side, side, width)
    for axis in (1, 2) if shift else ():
        y = net.rolled(y, side - shift, axis, side)
    x = net.one("Add", x, y)
    y = net.linear(net.gelu(net.linear(net.norm(x, width), width, 4 * width)), 4 * width, width)
    return net.one("Add", x, y)


def _encoder(net: _Net, x: str, shape: Shape) -> list[str]:
    """[N,3,S,S] → one map for each stage, [N,C,h,w], halved from one to the next."""
    x = net.turned(net.conv(x, 3, shape.widths[0], 4, 4), 0, 2, 3, 1)
    side, maps = shape.size // 4, []
    for stage, (width, depth, heads) in enumerate(zip(shape.widths, shape.depths, shape.heads, strict=True)):
        if stage:
            side //= 2
            x = net.turned(net.conv(net.turned(x, 0, 3, 1, 2), shape.widths[stage - 1], width, 2, 2), 0, 2, 3, 1)
        for place in range(depth):
            shift = shape.window // 2 if place % 2 and side > shape.window else 0
            x = _block(net, x, width, heads, side=side, window=shape.window, shift=shift)
        maps.append(net.turned(net.norm(x, width), 0, 3, 1, 2))
    return maps


def _decoder(net: _Net, maps: list[str], shape: Shape) -> str:
    """Logits [N,1,S,S]."""
    width = shape.decoder
    x = net.conv(maps[-1], shape.widths[-1], width, 1)
    for skip, ins in zip(reversed(maps[:-1]), reversed(shape.widths[:-1]), strict=True):
        x = net.one("Add", _twice(net, x), net.conv(skip, ins, width, 1))
        x = net.one("Relu", net.conv(net.one("Relu", net.conv(x, width, width, 3)), width, width, 3))
    x = net.one("Relu", net.conv(_twice(net, x), width, width // 4, 3))
    return net.conv(_twice(net, x), width // 4, 1, 3)


def _twice(net: _Net, x: str) -> str:
    scales = net.constant(np.array([1, 1, 2, 2], np.float32))
    return net.one("Resize", x, "", scales, mode="linear", coordinate_transformation_mode="half_pixel")


def large_network(file: Path, shape: Shape, seed: int = 0) -> None:
    """Write the network: uint8 [N,S,S,3] `image` → uint8 [N,S,S] `alpha`. The same seed gives the same bytes."""
    net = _Net(seed)
    net.part = "head"
    planes = net.turned(net.one("Cast", "image", to=TensorProto.FLOAT), 0, 3, 1, 2)
    x = net.one("Sub", net.one("Div", planes, net.number(127.5)), net.number(1.0))
    net.part = "body"
    logits = _decoder(net, _encoder(net, x, shape), shape)
    net.part = "tail"
    unit = net.one("Sigmoid", net.shaped(logits, -1, shape.size, shape.size))
    levels = net.one("Add", net.one("Mul", unit, net.number(255.0)), net.number(0.5))
    net.nodes.append(helper.make_node("Cast", [levels], ["alpha"], "tail/cast", to=TensorProto.UINT8))
    side = shape.size
    taken = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", side, side, 3])
    given = helper.make_tensor_value_info("alpha", TensorProto.UINT8, ["N", side, side])
    graph = helper.make_graph(net.nodes, "large", [taken], [given], net.weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString(deterministic=True))
    onnx.checker.check_model(str(file))
