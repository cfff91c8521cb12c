"""Convolutions at full size, 3 by 3, as ones at half size with four channels for each: the pixels of every 2 by 2.

Bilinear doubling and convolution are linear, so that their product is a convolution, too. It wants no map at full
size, and 12 channels are 48 (the sub-pixel convolution of Shi et al. 2016, arXiv:1609.05158, used backwards). A map
outside of its border is zero before it is doubled.
"""

import torch
from torch import Tensor

# What a pixel of phase f (0 even, 1 odd) sees through tap t of a row of three: axes [f, t, phase seen, tap at half
# size]; all phases are apart from the others, and what it sees is at 2k + f + t - 1 of the row.


def _doubled() -> Tensor:
    """Rows of half size, doubled: a pixel is three quarters the nearer neighbour and one the farther."""
    taps = torch.zeros((2, 3, 1, 3), dtype=torch.float64)
    for phase in range(2):
        for tap in range(3):
            nearer, side = divmod(phase + tap - 1, 2)
            taps[phase, tap, 0, nearer + 1] += 0.75
            taps[phase, tap, 0, nearer + 1 + (1 if side else -1)] += 0.25
    return taps


def _strided() -> Tensor:
    """Rows of full size, from which windows of four are taken at every second pixel."""
    taps = torch.zeros((2, 3, 1, 4), dtype=torch.float64)
    for phase in range(2):
        for tap in range(3):
            taps[phase, tap, 0, phase + tap] = 1
    return taps


def _phased() -> Tensor:
    """Rows of half size that hold both phases."""
    taps = torch.zeros((2, 3, 2, 3), dtype=torch.float64)
    for phase in range(2):
        for tap in range(3):
            nearer, side = divmod(phase + tap - 1, 2)
            taps[phase, tap, side, nearer + 1] = 1
    return taps


DOUBLED, STRIDED, PHASED = _doubled(), _strided(), _phased()


def split(weight: Tensor, taps: Tensor) -> Tensor:
    """Weights [O,I,3,3] at full size → [4O,I,3,3] over DOUBLED, [4O,I,4,4] over STRIDED, [4O,4I,3,3] over PHASED."""
    seen, kernel = taps.shape[2:]
    parts = torch.einsum("oiyx,fypa,gxqb->fgopqiab", weight.double(), taps, taps)
    outs, ins = weight.shape[:2]
    return parts.reshape(4 * outs, seen**2 * ins, kernel, kernel).float()


def join(parts: Tensor, taps: Tensor) -> Tensor:
    """The weights that `split` gave the parts of, up to rounding."""
    seen, kernel = taps.shape[2:]
    outs, ins = parts.shape[0] // 4, parts.shape[1] // seen**2
    apart = parts.double().reshape(2, 2, outs, seen, seen, ins, kernel, kernel)
    back = torch.linalg.pinv(taps.permute(0, 2, 3, 1).flatten(0, 2)).reshape(3, 2, seen, kernel)
    return torch.einsum("fgopqiab,yfpa,xgqb->oiyx", apart, back, back).float()
