"""The network as it is served: uint8 pictures in, uint8 alpha out, and the same values for less work.

Where the decoder joins what comes from below with a skip and convolves both, W·[a, b] is computed as W_a·a + W_b·b.
Nothing is copied together, and a 1 by 1 convolution of what comes from below runs before it is enlarged, on a quarter
of the pixels (both are linear, so they commute). What is at full size is computed at half of it (`space_to_depth.py`).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from training.matting.network import MattingNetwork, twice
from training.matting.space_to_depth import DOUBLED, PHASED, STRIDED, split


class Joined(nn.Module):
    """A 1 by 1 convolution over two maps that are not joined, its batch norm folded in; then what followed it.

    Args:
        layers: convolution, batch norm, and what follows.
        below: channels of the first map.
    """

    def __init__(self, layers: nn.Sequential, below: int):
        super().__init__()
        whole = _folded(layers)
        self.below = _convolution(whole.weight[:, :below])
        self.skip = _convolution(whole.weight[:, below:], whole.bias)
        self.rest = layers[2:]

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """[N,below,h,w] and [N,others,2h,2w] → [N,outs,2h,2w]."""
        y: Tensor = self.rest(twice(self.below(x)) + self.skip(skip))
        return y


class Fine(nn.Module):
    """The two 3 by 3 convolutions at full size, computed at half of it.

    Args:
        fine: of the network.
        below: channels of the map at half size.
    """

    def __init__(self, fine: nn.Sequential, below: int):
        super().__init__()
        layers, last = fine
        whole = _folded(layers)
        self.below = _convolution(split(whole.weight[:, :below], DOUBLED), padding=1)
        self.skip = _convolution(split(whole.weight[:, below:], STRIDED), _four(whole.bias), padding=1, stride=2)
        self.rest = layers[2:]
        self.last = _convolution(split(last.weight, PHASED), _four(last.bias), padding=1)

    def forward(self, x: Tensor, picture: Tensor) -> Tensor:
        """[N,below,h,w] and [N,3,2h,2w] → logits [N,1,2h,2w]."""
        return functional.pixel_shuffle(self.last(self.rest(self.below(x) + self.skip(picture))), 2)


def _folded(layers: nn.Sequential) -> nn.Conv2d:
    """The first convolution with the batch norm after it."""
    convolution, norm = layers[:2]
    assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)  # noqa: S101, PT018
    return fuse_conv_bn_eval(convolution, norm)


def _convolution(weight: Tensor, bias: Tensor | None = None, *, padding: int = 0, stride: int = 1) -> nn.Conv2d:
    outs, ins, *kernel = weight.shape
    layer = nn.Conv2d(ins, outs, (kernel[0], kernel[1]), stride, padding, bias=bias is not None)
    layer.weight.data = weight.detach().clone()
    if bias is not None:
        layer.bias.data = bias.detach().clone()
    return layer


def _four(bias: Tensor | None) -> Tensor | None:
    return bias if bias is None else bias.repeat(4)


class Deployed(nn.Module):
    """What is exported of a trained network; its coarse guess is left out."""

    def __init__(self, network: MattingNetwork):
        super().__init__()
        network.eval()
        self.encoder, self.context = network.encoder, network.context
        stages = list(network.decoder)
        skips = list(reversed(network.encoder.widths[:-1]))
        self.joins = nn.ModuleList(
            Joined(stage[0], stage[0][0].in_channels - skip) for stage, skip in zip(stages, skips, strict=True)
        )
        self.stages = nn.ModuleList(stage[1:] for stage in stages)
        self.fine = Fine(network.fine, network.fine[0][0].in_channels - 3)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """uint8 [N,S,S,3] RGB → uint8 [N,S,S] alpha."""
        # Cast first: TensorRT takes bytes at the ends of a network only, each with a cast directly at it.
        picture = image.to(torch.float32).permute(0, 3, 1, 2) / 127.5 - 1
        *skips, deepest = self.encoder(picture)
        x = self.context(deepest)
        for join, stage, skip in zip(self.joins, self.stages, reversed(skips), strict=True):
            x = stage(join(x, skip))
        logits = self.fine(x, picture)
        # Half a step more, for the cast cuts off what is behind the point.
        return (logits.squeeze(1).sigmoid() * 255 + 0.5).to(torch.uint8)
