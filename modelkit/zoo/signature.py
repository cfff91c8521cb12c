"""What a foreign graph takes and gives, as far as it says so itself."""

from dataclasses import dataclass

import onnx
from onnx import TensorProto, ValueInfoProto

from models import Layout, ModelError

Axis = int | str | None
"""A fixed length, a named one, or neither."""

OLDEST_OPSET = 8
"""The first in which all nodes that we add have their present form."""

_DTYPES: dict[int, str] = {TensorProto.FLOAT: "float32", TensorProto.FLOAT16: "float16", TensorProto.UINT8: "uint8"}


@dataclass(frozen=True)
class Tensor:
    """One end of a graph; no axes where the graph does not say how many."""

    name: str
    dtype: str
    axes: tuple[Axis, ...] | None

    def __str__(self) -> str:
        axes = "of unknown shape" if self.axes is None else f"[{', '.join(str(axis or '?') for axis in self.axes)}]"
        return f"{self.name} {self.dtype} {axes}"


@dataclass(frozen=True)
class Signature:
    """The ends that are used of a foreign graph.

    Attributes:
        size: pixels per side of the pictures.
        batch: 1 where the graph says one picture per run; None where it does not bind itself.
    """

    input: Tensor
    output: Tensor
    layout: Layout
    size: int
    batch: int | None


def read(
    model: onnx.ModelProto,
    *,
    input: str | None = None,
    output: int | str | None = None,
    layout: Layout | None = None,
    size: int | None = None,
) -> Signature:
    """The signature of a graph, whose gaps the arguments fill.

    Raises:
        ModelError: it is none for pictures in and alpha out, or leaves open what no argument says.
    """
    opset = next((each.version for each in model.opset_import if each.domain in ("", "ai.onnx")), 0)
    if opset < OLDEST_OPSET:
        raise ModelError(
            f"The graph is of opset {opset}; convert it to {OLDEST_OPSET} or later (onnx.version_converter)."
        )
    weights = {each.name for each in model.graph.initializer}
    inputs = [_tensor(each) for each in model.graph.input if each.name not in weights]
    outputs = [_tensor(each) for each in model.graph.output]
    taken = _choose(inputs, input, "input")
    given = _choose(outputs, output, "output")
    layout = layout or _layout(taken)
    size = _size(taken, layout, size)
    _check_output(given, size)
    return Signature(taken, given, layout, size, _batch(taken))


def _tensor(info: ValueInfoProto) -> Tensor:
    kind = info.type.tensor_type
    dtype = _DTYPES.get(kind.elem_type) or str(TensorProto.DataType.Name(kind.elem_type)).lower()
    if not kind.HasField("shape"):
        return Tensor(info.name, dtype, None)
    return Tensor(info.name, dtype, tuple(each.dim_value or each.dim_param or None for each in kind.shape.dim))


def _choose(ends: list[Tensor], chosen: int | str | None, which: str) -> Tensor:
    listed = "; ".join(f"{index}: {end}" for index, end in enumerate(ends))
    if chosen is None and len(ends) != 1:
        raise ModelError(f"The graph has {len(ends)} {which}s; choose one with --{which}: {listed}.")
    end: Tensor | None
    if isinstance(chosen, str):
        end = next((end for end in ends if end.name == chosen), None)
    else:
        index = chosen or 0
        end = ends[index] if -len(ends) <= index < len(ends) else None
    if end is None:
        raise ModelError(f"The graph has no {which} {chosen}; it has: {listed}.")
    if end.dtype not in _DTYPES.values():
        raise ModelError(f"The {which} {end} holds no pictures: {', '.join(_DTYPES.values())} can be used.")
    return end


def _layout(taken: Tensor) -> Layout:
    axes = taken.axes or ()
    if len(axes) == 4 and (axes[1] == 3) != (axes[3] == 3):
        return "NCHW" if axes[1] == 3 else "NHWC"
    if taken.axes is not None and len(axes) != 4:
        raise ModelError(f"The input {taken} is not one of colour pictures.")
    raise ModelError(f"The input {taken} does not show where its colours are; say --layout NCHW or NHWC.")


def _size(taken: Tensor, layout: Layout, size: int | None) -> int:
    axes = taken.axes or (None,) * 4
    height, width = axes[2:] if layout == "NCHW" else axes[1:3]
    fixed = {axis for axis in (height, width) if isinstance(axis, int)}
    if len(fixed) > 1:
        raise ModelError(f"The input {taken} is not square; export the network for square pictures.")
    if not fixed and size is None:
        raise ModelError(f"The input {taken} takes any size; say which one with --size, the one it was trained for.")
    if fixed and size not in (None, *fixed):
        raise ModelError(f"The input {taken} takes one size only; --size {size} is another.")
    return fixed.pop() if fixed else size or 0


def _batch(taken: Tensor) -> int | None:
    first = taken.axes[0] if taken.axes else None
    if isinstance(first, int) and first != 1:
        raise ModelError(f"The input {taken} takes {first} pictures at a time; export it for one, or for any number.")
    return first if isinstance(first, int) else None


def _check_output(given: Tensor, size: int) -> None:
    """Refuse what is known not to be one value for each pixel; the check of the result sees the rest."""
    if given.axes is None:
        return
    sides = [axis for axis in given.axes[1:] if isinstance(axis, int) and axis != 1]
    if len(given.axes) not in (3, 4) or any(side != size for side in sides) or len(sides) > 2:
        raise ModelError(f"The output {given} is not one value for each of {size} x {size} pixels.")
