"""Small networks with the ends of real ones. Foreground is what is dark, so each one's alpha is known."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

SIZE = 32
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_WEIGHTS = np.array([-1.5, -2.0, -1.0], np.float32)
"""Of red, green and blue. All different, so that a wrong order of axes or colours shows."""

Axes = Sequence[int | str | None]
Floats = NDArray[np.float64]


def logits(pictures: NDArray[np.uint8], mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> Floats:
    """What every network here says of uint8 RGB [N,S,S,3] → [N,S,S], in numpy."""
    return np.asarray(((pictures / 255 - mean) / std) @ _WEIGHTS.astype(np.float64))


def alpha(pictures: NDArray[np.uint8], mean: Sequence[float] = MEAN, std: Sequence[float] = STD) -> NDArray[np.uint8]:
    """The alpha that has to come out, uint8 [N,S,S]."""
    return np.floor(255 / (1 + np.exp(-logits(pictures, mean, std))) + 0.5).astype(np.uint8)


def pictures(count: int = 3) -> NDArray[np.uint8]:
    """Noise, uint8 RGB [N,S,S,3]."""
    return np.random.default_rng(3).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def conv(source: str = "x", target: str = "logits", dtype: type = np.float32) -> list[NodeProto]:
    """NCHW pictures → logits [N,1,S,S]."""
    return [*constant("w", _WEIGHTS.reshape(1, 3, 1, 1).astype(dtype)), node("Conv", [source, "w"], target)]


def matmul() -> list[NodeProto]:
    """NHWC pictures → logits [N,S,S,1]."""
    return [*constant("w", _WEIGHTS.reshape(3, 1)), node("MatMul", ["x", "w"], "logits")]


def deform_conv() -> list[NodeProto]:
    """The same by a deformable convolution, as BiRefNet has them: offsets from a convolution, here all zero."""
    return [
        *constant("w", _WEIGHTS.reshape(1, 3, 1, 1)),
        *constant("to_offset", np.zeros((2, 3, 1, 1), np.float32)),
        node("Conv", ["x", "to_offset"], "offset"),
        node("DeformConv", ["x", "w", "offset"], "logits", kernel_shape=[1, 1]),
    ]


def constant(name: str, value: NDArray[np.generic]) -> list[NodeProto]:
    """A node that gives the value."""
    return [helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))]


def node(kind: str, inputs: list[str], output: str, domain: str = "", **attributes: object) -> NodeProto:
    """One node of one output."""
    return helper.make_node(kind, inputs, [output], domain=domain, **attributes)  # type: ignore[arg-type]


def save(
    folder: Path,
    nodes: list[NodeProto],
    *,
    taken: Axes | None = (1, 3, SIZE, SIZE),
    outputs: Mapping[str, Axes | None] | None = None,
    dtype: int = TensorProto.FLOAT,
    opset: int = 17,
    domains: Sequence[str] = (),
) -> Path:
    """A file of these nodes, from the input `x` to the outputs."""
    ends = outputs or {"logits": (1, 1, SIZE, SIZE)}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("x", dtype, taken)],
        [helper.make_tensor_value_info(name, dtype, axes) for name, axes in ends.items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in domains)]
    file = folder / "network.onnx"
    onnx.save(helper.make_model(graph, opset_imports=imports, ir_version=9), file)
    return file
