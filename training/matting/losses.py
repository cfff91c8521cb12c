"""What the network is scored by while it learns. Alpha is [N,1,S,S] in 0..1 throughout."""

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.experiment import LossSettings

BAND = 9
LEVELS = 4
HARD = 0.02


def spread(alpha: Tensor, size: int = BAND) -> Tensor:
    """Largest minus smallest alpha within a square of `size` pixels: 1 across a boundary, 0 in flat parts."""
    return _highest(alpha, size) + _highest(-alpha, size)


def _highest(values: Tensor, size: int) -> Tensor:
    """The largest within the square, along rows and then along columns: 2 · size comparisons instead of size²."""
    rows = functional.max_pool2d(values, (1, size), 1, (0, size // 2))
    return functional.max_pool2d(rows, (size, 1), 1, (size // 2, 0))


def pyramid(alpha: Tensor, truth: Tensor) -> Tensor:
    """Mean difference of the levels of a Laplacian-like pyramid; coarser levels weigh twice the one before."""
    total = alpha.new_zeros(())
    difference = alpha - truth
    for level in range(LEVELS):
        smaller = functional.avg_pool2d(difference, 2)
        larger = functional.interpolate(smaller, scale_factor=2, mode="bilinear", align_corners=False)
        total = total + 2**level * (difference - larger).abs().mean()
        difference = smaller
    return total + 2 ** (LEVELS - 1) * difference.abs().mean()


def overlap(alpha: Tensor, truth: Tensor) -> Tensor:
    """1 - soft intersection over union, mean over pictures."""
    both = (alpha * truth).sum((1, 2, 3))
    either = (alpha + truth - alpha * truth).sum((1, 2, 3))
    return 1 - ((both + 1) / (either + 1)).mean()


def haze(alpha: Tensor, truth: Tensor, weight: Tensor | float = 1.0) -> Tensor:
    """How half-transparent alpha is where the truth is plainly all or nothing and no boundary is near: 0..1.

    4·a·(1-a) is 1 at a half and 0 at both ends. It says nothing about which end, which the other terms do. `weight`
    is that of each picture, [N,1,1,1].
    """
    plain = ((truth < HARD) | (truth > 1 - HARD)) & (spread(truth) < HARD)
    return (4 * alpha * (1 - alpha) * plain * weight).sum() / plain.sum().clamp(min=1)


def loss(
    logits: Tensor, coarse: Tensor, truth: Tensor, weights: LossSettings, soft: Tensor | None = None
) -> dict[str, Tensor]:
    """Every term, already weighted; their sum is what is minimised.

    `logits` [N,1,S,S] and `coarse` [N,1,S/8,S/8] come from the network; `soft` [N] says which samples hold a soft
    material, none without it. All is computed in 32 bits.
    """
    logits, coarse = logits.float(), coarse.float()
    alpha = logits.sigmoid()
    weight = 1 + weights.band * spread(truth)
    near = functional.binary_cross_entropy_with_logits(logits, truth, weight) + (weight * (alpha - truth).abs()).mean()
    small = functional.interpolate(truth, size=coarse.shape[2:], mode="area")
    guess = functional.binary_cross_entropy_with_logits(coarse, small) + 0.5 * overlap(coarse.sigmoid(), small)
    return {
        "near": near,
        "pyramid": weights.pyramid * pyramid(alpha, truth),
        "iou": weights.iou * overlap(alpha, truth),
        "auxiliary": weights.auxiliary * guess,
        "sharpness": weights.sharpness * haze(alpha, truth, _sharpness(soft, weights)),
    }


def _sharpness(soft: Tensor | None, weights: LossSettings) -> Tensor | float:
    """What the haze of each picture counts, as a share of `sharpness`, [N,1,1,1]."""
    if soft is None:
        return 1.0
    return 1 - (1 - weights.soft_sharpness) * soft.float().view(-1, 1, 1, 1)


def figures(alpha: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Per picture: mean absolute error, and intersection over union with both cut at a half. Each [N]."""
    error = (alpha - truth).abs().mean((1, 2, 3))
    found, there = alpha >= 0.5, truth >= 0.5
    either = (found | there).sum((1, 2, 3))
    both = (found & there).sum((1, 2, 3))
    return error, torch.where(either > 0, both / either.clamp(min=1), torch.ones_like(error))
