"""Encoders of inverted residual blocks (Sandler et al. 2018) without their classifiers, batch norms folded into the
convolutions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.matting.experiment import ExperimentError
from training.matting.pretrained import Folded

STEM = 32


@dataclass(frozen=True, slots=True)
class Stage:
    """Blocks of one width: expansion inside, channels between, stride of the first, pixels per side of the filters."""

    expansion: int
    channels: int
    blocks: int
    stride: int
    kernel: int


FORMS = {
    # Sandler et al. 2018, table 2.
    "mobilenet-v2": (
        Stage(1, 16, 1, 1, 3), Stage(6, 24, 2, 2, 3), Stage(6, 32, 3, 2, 3), Stage(6, 64, 4, 2, 3),
        Stage(6, 96, 3, 1, 3), Stage(6, 160, 3, 2, 3), Stage(6, 320, 1, 1, 3),
    ),
    # Tan and Le 2019, table 1, width 1.1, depth 1.2, without squeeze and excitation; ReLU6 for swish, and as many
    # blocks in the first and the last stage as at depth 1: what their authors call Lite2.
    "efficientnet-lite2": (
        Stage(1, 16, 1, 1, 3), Stage(6, 24, 3, 2, 3), Stage(6, 48, 3, 2, 5), Stage(6, 88, 4, 2, 3),
        Stage(6, 120, 4, 1, 5), Stage(6, 208, 5, 2, 5), Stage(6, 352, 1, 1, 3),
    ),
}  # fmt: skip
"""Stages of each encoder, by its name in an experiment."""
TAPPED_STAGES = (0, 1, 2, 4, 6)
"""Those whose features the decoder gets, at 1/2, 1/4, 1/8, 1/16 and 1/32 of the side."""


class Convolution(nn.Module):
    """Convolution with bias; batch norm and ReLU6 where asked for."""

    def __init__(self, ins: int, outs: int, kernel: int, *, stride: int = 1, groups: int = 1, active: bool, norm: bool):
        super().__init__()
        self.convolution = nn.Conv2d(ins, outs, kernel, stride, kernel // 2, groups=groups)
        self.norm: nn.Module = nn.BatchNorm2d(outs) if norm else nn.Identity()
        self.active = active

    def forward(self, x: Tensor) -> Tensor:
        """[N,ins,H,W] → [N,outs,H/stride,W/stride]."""
        x = self.norm(self.convolution(x))
        return nn.functional.relu6(x) if self.active else x


class Block(nn.Module):
    """Inverted residual: widen, filter each channel, narrow."""

    def __init__(self, ins: int, outs: int, expansion: int, stride: int, kernel: int, *, norm: bool):
        super().__init__()
        wide = ins * expansion
        layers = [Convolution(ins, wide, 1, active=True, norm=norm)] if expansion > 1 else []
        layers.append(Convolution(wide, wide, kernel, stride=stride, groups=wide, active=True, norm=norm))
        layers.append(Convolution(wide, outs, 1, active=False, norm=norm))
        self.layers = nn.Sequential(*layers)
        self.residual = stride == 1 and ins == outs

    def forward(self, x: Tensor) -> Tensor:
        """[N,ins,H,W] → [N,outs,H/stride,W/stride]."""
        y: Tensor = self.layers(x)
        return x + y if self.residual else y


class Encoder(nn.Module):
    """Picture in -1..1 → features at five scales."""

    def __init__(self, form: str, *, norm: bool):
        """`form` is a name in FORMS. `widths` has the channels of the five scales, from 1/2 to 1/32 of the side."""
        super().__init__()
        self.stem = Convolution(3, STEM, 3, stride=2, active=True, norm=norm)
        self.blocks = nn.ModuleList()
        self.taps: list[int] = []
        self.widths = [FORMS[form][number].channels for number in TAPPED_STAGES]
        ins = STEM
        for number, stage in enumerate(FORMS[form]):
            for first in range(stage.blocks):
                stride = stage.stride if first == 0 else 1
                self.blocks.append(Block(ins, stage.channels, stage.expansion, stride, stage.kernel, norm=norm))
                ins = stage.channels
            if number in TAPPED_STAGES:
                self.taps.append(len(self.blocks) - 1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """[N,3,S,S] → features of `widths` channels, from 1/2 to 1/32 of the side."""
        x = self.stem(x)
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in self.taps:
                features.append(x)
        return features

    def freeze(self, blocks: int) -> None:
        """Keep the stem and the first `blocks` blocks as they are. Raises ExperimentError where there are fewer."""
        if blocks > len(self.blocks):
            raise ExperimentError(f"frozen_blocks is {blocks}, but the encoder has {len(self.blocks)} blocks.")
        for part in (self.stem, *self.blocks[:blocks]) if blocks else ():
            part.requires_grad_(False)

    @torch.no_grad()
    def load(self, layers: Sequence[Folded]) -> None:
        """Take the weights of a trained network of this form, layer by layer in its order; what follows is left."""
        own = [module for module in self.modules() if isinstance(module, nn.Conv2d)]
        for layer, (weight, bias) in zip(own, layers[: len(own)], strict=True):
            layer.weight.copy_(torch.from_numpy(weight))
            assert layer.bias is not None  # noqa: S101 - every convolution here has one
            layer.bias.copy_(torch.from_numpy(bias))
