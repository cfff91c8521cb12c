"""The network as it is served: uint8 pictures in, uint8 alpha out, and the same values for less work.

Where the decoder joins what comes from below with a skip and convolves both, W·[a, b] is computed as W_a·a + W_b·b.
Nothing is copied together, a 1 by 1 convolution of what comes from below runs before it is enlarged, on a quarter of
the pixels (both are linear, so they commute), and none takes 19 channels, which ONNX Runtime's blocked layout cannot.
"""

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.training.network import MattingNetwork, twice


class Joined(nn.Module):
    """A convolution over two maps that are not joined, its batch norm folded in; then what followed it.

    Args:
        layers: convolution, batch norm, and what follows.
        below: channels of the first map.
        early: convolve the first map before it is enlarged.
    """

    def __init__(self, layers: nn.Sequential, below: int, *, early: bool):
        super().__init__()
        convolution, norm, *rest = layers
        assert isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)  # noqa: S101, PT018
        whole = fuse_conv_bn_eval(convolution, norm)
        self.below, self.skip = _part(whole, 0, below, bias=False), _part(whole, below, whole.in_channels, bias=True)
        self.rest = nn.Sequential(*rest)
        self.early = early

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        """[N,below,h,w] and [N,others,2h,2w] → [N,outs,2h,2w]."""
        large = twice(self.below(x)) if self.early else self.below(twice(x))
        y: Tensor = self.rest(large + self.skip(skip))
        return y


def _part(whole: nn.Conv2d, first: int, end: int, *, bias: bool) -> nn.Conv2d:
    """The convolution of some of the channels that go in."""
    part = nn.Conv2d(end - first, whole.out_channels, whole.kernel_size, padding=whole.padding, bias=bias)
    part.weight.data = whole.weight.data[:, first:end].clone()
    if bias and whole.bias is not None:
        assert part.bias is not None  # noqa: S101 - it was asked for
        part.bias.data = whole.bias.data.clone()
    return part


class Deployed(nn.Module):
    """What is exported of a trained network; its coarse guess is left out."""

    def __init__(self, network: MattingNetwork):
        super().__init__()
        network.eval()
        self.encoder, self.context = network.encoder, network.context
        narrow, self.last = network.fine
        stages = list(network.decoder)
        skips = list(reversed(network.encoder.widths[:-1]))
        self.joins = nn.ModuleList(
            Joined(stage[0], stage[0][0].in_channels - skip, early=True)
            for stage, skip in zip(stages, skips, strict=True)
        )
        self.stages = nn.ModuleList(stage[1:] for stage in stages)
        self.fine = Joined(narrow, narrow[0].in_channels - 3, early=False)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """uint8 [N,S,S,3] RGB → uint8 [N,S,S] alpha."""
        picture = image.permute(0, 3, 1, 2).to(torch.float32) / 127.5 - 1
        *skips, deepest = self.encoder(picture)
        x = self.context(deepest)
        for join, stage, skip in zip(self.joins, self.stages, reversed(skips), strict=True):
            x = stage(join(x, skip))
        logits = self.last(self.fine(x, picture))
        # Half a step more, for the cast cuts off what is behind the point.
        return (logits.squeeze(1).sigmoid() * 255 + 0.5).to(torch.uint8)
