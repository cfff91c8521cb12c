"""The network: a small encoder, context at 1/32, U-Net decoder (Ronneberger et al. 2015) of separable layers."""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.matting.encoder import Encoder
from training.matting.experiment import NetworkSettings
from training.matting.pretrained import folded, found

DECODER = (128, 64, 48, 16)
"""Channels at 1/16, 1/8, 1/4 and 1/2 of the side, at width 1."""


def plain(ins: int, outs: int, kernel: int, *, border: int | None = None) -> nn.Sequential:
    """Convolution, batch norm, ReLU; of the size that goes in unless its border of zeros is said."""
    padding = kernel // 2 if border is None else border
    return nn.Sequential(nn.Conv2d(ins, outs, kernel, padding=padding, bias=False), nn.BatchNorm2d(outs), nn.ReLU())


def separable(ins: int, outs: int, kernel: int, dilation: int = 1) -> nn.Sequential:
    """Each channel filtered alone, then mixed; batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(ins, ins, kernel, padding=kernel // 2 * dilation, dilation=dilation, groups=ins, bias=False),
        nn.BatchNorm2d(ins),
        nn.Conv2d(ins, outs, 1, bias=False),
        nn.BatchNorm2d(outs),
        nn.ReLU(),
    )


class Context(nn.Module):
    """Looks far: dilated residual blocks and, where asked for, the mean over the whole picture."""

    def __init__(self, ins: int, width: int, blocks: int, *, whole: bool):
        super().__init__()
        self.narrow = plain(ins, width, 1)
        self.blocks = nn.ModuleList(separable(width, width, 5, (1, 2, 4)[number % 3]) for number in range(blocks))
        self.whole = nn.Sequential(nn.Conv2d(width, width, 1), nn.ReLU()) if whole else None

    def forward(self, x: Tensor) -> Tensor:
        """[N,ins,h,w] → [N,width,h,w]."""
        x = self.narrow(x)
        for block in self.blocks:
            x = x + block(x)
        return x if self.whole is None else x + self.whole(x.mean((2, 3), keepdim=True))


def twice(x: Tensor) -> Tensor:
    """[N,C,h,w] → [N,C,2h,2w], bilinear."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


class MattingNetwork(nn.Module):
    """Picture → logits of alpha, and a coarse guess at 1/8 that only training looks at."""

    def __init__(self, settings: NetworkSettings):
        super().__init__()
        self.settings = settings
        widths = [max(8, round(channels * settings.width / 8) * 8) for channels in DECODER]
        self.encoder = Encoder(settings.encoder, norm=settings.encoder_norm)
        taps = self.encoder.widths
        self.context = Context(taps[-1], settings.context_width, settings.context_blocks, whole=settings.context_global)
        ins = [settings.context_width, *widths[:-1]]
        joined = [below + tap for below, tap in zip(ins, reversed(taps[:-1]), strict=True)]
        self.decoder = nn.ModuleList(
            [
                nn.Sequential(
                    plain(joined[0], widths[0], 1),
                    separable(widths[0], widths[0], 5),
                    separable(widths[0], widths[0], 3),
                ),
                nn.Sequential(
                    plain(joined[1], widths[1], 1), separable(widths[1], widths[1], 5), plain(widths[1], widths[1], 3)
                ),
                nn.Sequential(plain(joined[2], widths[2], 1), plain(widths[2], widths[2], 3)),
                nn.Sequential(plain(joined[3], widths[3], 1), plain(widths[3], widths[3], 3)),
            ]
        )
        self.coarse = nn.Conv2d(widths[1], 1, 1)
        self.fine = nn.Sequential(plain(widths[3] + 3, 12, 3, border=0), nn.Conv2d(12, 1, 3, padding=1))
        self.encoder.freeze(settings.frozen_blocks)

    def start_from(self, data: Path) -> None:
        """Take the encoder's first weights from where the settings say: a package's file, or one in `data`."""
        if self.settings.start:
            self.encoder.load(folded(found(self.settings.start, data)))

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Values 0..255 [N,3,S,S] → logits [N,1,S,S] and coarse logits [N,1,S/8,S/8]."""
        picture = image / 127.5 - 1
        *skips, deepest = self.encoder(picture)
        x = self.context(deepest)
        coarse = x
        for scale, (stage, skip) in enumerate(zip(self.decoder, reversed(skips), strict=True)):
            x = stage(torch.cat((twice(x), skip), dim=1))
            if scale == 1:
                coarse = self.coarse(x)
        # The outside is zero at half size, too, so that both sizes can be computed as one (`space_to_depth.py`).
        large = twice(functional.pad(x, (1, 1, 1, 1)))[:, :, 1:-1, 1:-1]
        return self.fine(torch.cat((large, functional.pad(picture, (1, 1, 1, 1))), dim=1)), coarse
