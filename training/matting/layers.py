"""Things laid over each other and over what is behind them."""

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.filters import gaussian
from training.matting.rng import Rng

Layer = tuple[Tensor, Tensor]
"""Alpha [N,1,S,S] and colour [N,3,S,S], not multiplied by it."""


def trimmed(dice: Rng, alpha: Tensor) -> Tensor:
    """A thing cut out of a photograph without the pixels that its old background shines into; more or less soft."""
    inner = -functional.max_pool2d(-alpha, 3, 1, 1)
    wide_ = dice.even(len(alpha)) < 0.15
    sigma = torch.where(wide_, dice.even(len(alpha), low=1.5, high=4), dice.even(len(alpha), low=0.4, high=1.2))
    return gaussian(inner, sigma)


def over(upper: Layer, lower: Layer) -> Layer:
    """One layer on another."""
    alpha = upper[0] + lower[0] * (1 - upper[0])
    colour = upper[0] * upper[1] + lower[0] * (1 - upper[0]) * lower[1]
    return alpha, colour / alpha.clamp(min=1e-4)


def onto(alpha: Tensor, colour: Tensor, ground: Tensor) -> Tensor:
    """Things on what is behind them."""
    return alpha * colour + (1 - alpha) * ground


def some(dice: Rng, like: Tensor, chance: float) -> Tensor:
    """1 for some of the samples and 0 for the others, [N,1,1,1]."""
    chosen = [float(dice.chance(chance)) for _ in range(len(like))]
    return torch.tensor(chosen, device=like.device).view(-1, 1, 1, 1)
