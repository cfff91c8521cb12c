"""An exported network taken back to be trained on: what a clone of the repository can go on from."""

from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import Tensor, nn

from training.matting.batch_norms import calibrate
from training.matting.experiment import ExperimentError
from training.matting.network import MattingNetwork
from training.matting.pretrained import Folded
from training.matting.space_to_depth import DOUBLED, PHASED, STRIDED, join

_Part = tuple[NDArray[np.float32], NDArray[np.float32] | None]


def take_back(network: MattingNetwork, file: Path, picture: Tensor) -> None:
    """Give `network` the weights of the network of the same shape that `file` holds as `export` writes it.

    Export folds batch norms into the convolutions before them, so theirs are made anew from `picture`, values 0..255
    [N,3,S,S]. The guess at 1/8, which only training looks at, is not exported and begins from chance. Raises
    ExperimentError.
    """
    layers = _convolutions(file)
    own = [module for module in network.modules() if isinstance(module, nn.Conv2d) and module is not network.coarse]
    shapes = [tuple(layer.weight.shape) for layer in own]
    if [weight.shape for weight, _ in layers] != shapes:
        raise ExperimentError(
            f"{file} is not an exported network of the shape that the experiment describes: it has {len(layers)} "
            f"convolutions with 32-bit weights, not the {len(own)} of that shape."
        )
    following = dict(zip(parts := _parts(network), parts[1:], strict=False))
    for layer, folded in zip(own, layers, strict=True):
        _fill(layer, following.get(layer), folded)
    calibrate(network, picture)


def _convolutions(file: Path) -> list[Folded]:
    """Weight and bias of every convolution of the network, in the order in which they are computed.

    One without a bias is the part of the next one that sees the map from below: they are joined again. The last three
    are computed at half size (`inference_graph.py`).
    """
    try:
        *parts, below, picture, last = _stored(onnx.load(file).graph)
        fine = [_at_full_size(*each) for each in zip((below, picture, last), (DOUBLED, STRIDED, PHASED), strict=True)]
        return _joined([*parts, *fine])
    except (OSError, DecodeError) as error:
        raise ExperimentError(f"{file} cannot be read as ONNX: {error}") from error
    except (ValueError, RuntimeError) as error:
        raise ExperimentError(f"{file} is not an exported network: its convolutions do not join: {error}") from error


def _stored(graph: onnx.GraphProto) -> list[_Part]:
    values = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    stored = [node.input for node in graph.node if node.op_type == "Conv" and node.input[1] in values]
    return [(values[names[1]], values[names[2]] if len(names) == 3 else None) for names in stored]


def _at_full_size(part: _Part, taps: Tensor) -> _Part:
    weight, bias = part
    return join(torch.tensor(weight), taps).numpy(), None if bias is None else bias[: len(bias) // 4]


def _joined(parts: list[_Part]) -> list[Folded]:
    layers: list[Folded] = []
    below: list[NDArray[np.float32]] = []
    for weight, bias in parts:
        below.append(weight)
        if bias is not None:
            layers.append((np.concatenate(below, axis=1), bias))
            below = []
    return layers


def _parts(network: nn.Module) -> list[nn.Module]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.BatchNorm2d)]


@torch.no_grad()
def _fill(layer: nn.Conv2d, after: nn.Module | None, folded: Folded) -> None:
    """The weight goes into the convolution, the bias there too or, where it has none, into the batch norm after it."""
    weight, bias = (torch.tensor(values) for values in folded)
    layer.weight.copy_(weight)
    if isinstance(after, nn.BatchNorm2d):
        after.reset_running_stats()
        nn.init.constant_(after.weight, (1 + after.eps) ** 0.5)
        if layer.bias is None:
            after.bias.copy_(bias)
            return
        nn.init.zeros_(after.bias)
    assert layer.bias is not None  # noqa: S101 - a convolution without bias has a batch norm after it
    layer.bias.copy_(bias)
