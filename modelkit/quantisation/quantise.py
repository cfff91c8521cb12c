"""A network of our form in eight bits: static quantisation by ONNX Runtime's own tool, deterministic and checked.

Weights are signed with a scale per output channel, activations unsigned with a scale per tensor, noted as pairs of
QuantizeLinear and DequantizeLinear around the float operators. Every runtime can read that; ONNX Runtime and OpenVINO
fuse it into integer arithmetic.
"""

import logging
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnxruntime import quantization
from onnxruntime.quantization.shape_inference import (  # type: ignore[import-untyped]
    quant_pre_process,
)

from imaging import Pixels
from models import ModelError

_OPERATORS = ["Conv", "Add", "Concat", "Resize", "Relu", "Clip"]
"""All that stands between the normalisation and the last sigmoid; both ends stay float."""

_BATCH_TOLERANCE = 1
"""Levels of 255 by which a picture's alpha may depend on what else is in its batch."""

_CONTRAST = 16
"""Levels of 255 by which the alpha of different pictures has to differ somewhere."""

_FAR = 16


@dataclass(frozen=True)
class Agreement:
    """How near the quantised network is to the one it was made of, in levels of 255 over all pixels.

    Attributes:
        far: share of pixels that differ by more than 16 levels.
    """

    mean: float
    far: float


def side(model: onnx.ModelProto) -> int:
    """S of a network uint8 [N,S,S,3] → uint8 [N,S,S]. Raises ModelError when it is not of that form."""
    ends = [(each.type.tensor_type, each.name) for each in (*model.graph.input, *model.graph.output)]
    shapes = [[axis.dim_value for axis in end.shape.dim] for end, _ in ends]
    match shapes:
        case [[_, height, width, 3], [_, *out]] if height == width > 0 and out == [height, width]:
            if all(end.elem_type == onnx.TensorProto.UINT8 for end, _ in ends):
                return int(height)
    raise ModelError(f"The graph's ends {[name for _, name in ends]} are not uint8 [N,S,S,3] and uint8 [N,S,S].")


def quantise(file: Path, pictures: Pixels, *, keep: Sequence[str], reduce_range: bool) -> bytes:
    """The quantised network; the same network and pictures give the same bytes.

    Args:
        pictures: uint8 [n,S,S,3], to find the activations' ranges.
        keep: beginnings of node names that stay float with all that they take and give; an activation between two
            float convolutions would lose as much as in eight-bit ones.
        reduce_range: weights of seven bits, for processors whose eight-bit sums may overflow (AVX2 without VNNI).

    Raises:
        ModelError: the tool cannot do it.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared, result = Path(folder) / "prepared.onnx", Path(folder) / "int8.onnx"
        try:
            # Only fixed shapes are at hand, and the symbolic kind would need one more package.
            quant_pre_process(file, prepared, skip_symbolic_shape=True)
            model = onnx.load(prepared)
            kept = _kept(model.graph, keep)
            _quantise(prepared, result, _Reader(model.graph.input[0].name, pictures), kept, reduce_range=reduce_range)
        except ModelError:
            raise
        except Exception as error:  # the tool's errors have no base class of their own
            raise ModelError(f"{file.name} cannot be quantised: {error}") from error
        quantised = onnx.load(result)
    _reconnect(quantised.graph, kept)
    onnx.checker.check_model(quantised, full_check=True)
    return bytes(quantised.SerializeToString(deterministic=True))


def _kept(graph: onnx.GraphProto, beginnings: Sequence[str]) -> list[str]:
    """Names of the nodes that stay float. Raises ModelError for a beginning that no node's name has."""
    names = [node.name for node in graph.node]
    for beginning in beginnings:
        if not any(name.startswith(beginning) for name in names):
            raise ModelError(f"No node's name begins with {beginning!r}.")
    return [name for name in names if name.startswith(tuple(beginnings))]


def _reconnect(graph: onnx.GraphProto, kept: list[str]) -> None:
    """Let a float node read what a float node gives as it is, though an eight-bit node reads it, too.

    The tool rounds a value for all of its readers. What an eight-bit node gives stays rounded: its two halves are
    computed as one only where nobody reads what is between them.
    """
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        for place, name in enumerate(node.input if node.name in kept else []):
            value = _before_rounding(name, makers)
            if value in makers and (makers[value].name in kept or makers[value].op_type not in _OPERATORS):
                node.input[place] = value


def _before_rounding(name: str, makers: Mapping[str, onnx.NodeProto]) -> str | None:
    """The value that a pair of QuantizeLinear and DequantizeLinear rounds to this one, if it is such a one."""
    value = name
    for rounding in ("DequantizeLinear", "QuantizeLinear"):
        if value not in makers or makers[value].op_type != rounding:
            return None
        value = makers[value].input[0]
    return value


def _quantise(source: Path, target: Path, reader: "_Reader", kept: list[str], *, reduce_range: bool) -> None:
    logging.disable(logging.WARNING)  # it advises what has been done just before
    try:
        quantization.quantize_static(
            source,
            target,
            reader,
            quant_format=quantization.QuantFormat.QDQ,
            op_types_to_quantize=_OPERATORS,
            nodes_to_exclude=kept,
            per_channel=True,
            reduce_range=reduce_range,
            activation_type=quantization.QuantType.QUInt8,
            weight_type=quantization.QuantType.QInt8,
        )
    finally:
        logging.disable(logging.NOTSET)


class _Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
    """Hands the pictures out one at a time."""

    def __init__(self, name: str, pictures: Pixels) -> None:
        self._feeds: Iterator[dict[str, Pixels]] = ({name: picture[None]} for picture in pictures)

    def get_next(self) -> dict[str, Pixels] | None:
        return next(self._feeds, None)


def check(original: Path, quantised: bytes, pictures: Pixels) -> Agreement:
    """Run both on the pictures, on ONNX Runtime on the CPU.

    Raises:
        ModelError: all pictures get the same alpha, or a picture's depends on its batch.
    """
    model = onnx.load_from_string(quantised)
    if side(model) != side(onnx.load(original)):
        raise ModelError("The quantised network is of another size.")
    before, after = _session(str(original)), _session(quantised)
    alphas = np.concatenate([_run(after, picture[None]) for picture in pictures])
    if int(np.ptp(alphas, axis=0).max()) < _CONTRAST:
        raise ModelError("The quantised network gives quite different pictures the same alpha.")
    few = pictures[:3]
    if int(np.abs(_run(after, few).astype(np.int16) - alphas[: len(few)]).max()) > _BATCH_TOLERANCE:
        raise ModelError("The quantised network's alpha of a picture depends on what else is in its batch.")
    expected = np.concatenate([_run(before, picture[None]) for picture in pictures])
    apart = np.abs(alphas.astype(np.int16) - expected)
    return Agreement(float(apart.mean()), float((apart > _FAR).mean()))


def _session(model: str | bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _run(session: onnxruntime.InferenceSession, pictures: Pixels) -> Pixels:
    [alpha] = session.run(None, {session.get_inputs()[0].name: pictures})
    return np.asarray(alpha, np.uint8)
