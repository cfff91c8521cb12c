"""Two 3 by 3 convolutions at full size, computed at half of it: the four pixels of every 2 by 2 become channels.

Bilinear doubling and a convolution are both linear, so one convolution at half size does both; it gives phases, as the
sub-pixel convolution of Shi et al. 2016 does (arXiv:1609.05158). No map is written at full size, and 12 channels, of
which blocks of 8 make 16, become 48. Outside of its border a map is zero before it is doubled.
"""

import torch
from torch import Tensor

# Of one row: [f, t, p, a] is how much the pixel 2k + f gets through tap t (that is, of the pixel 2k + f + t - 1) from
# tap a at half size of phase p. Phase 0 is even, 1 odd.


def _doubled() -> Tensor:
    """Rows of half size, doubled: a pixel is three quarters the nearer neighbour and one the farther."""
    taps = torch.zeros((2, 3, 1, 3), dtype=torch.float64)
    for phase in range(2):
        for tap in range(3):
            nearer, side = divmod(phase + tap - 1, 2)
            taps[phase, tap, 0, nearer + 1] += 0.75
            taps[phase, tap, 0, nearer + 2 * side] += 0.25
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
