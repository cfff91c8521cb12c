"""Backgrounds drawn by rule: gradients, clouds of colour, stripes and checks, in any number and of any side."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.rng import Rng


def drawn(dice: Rng, count: int, side: int) -> Tensor:
    """[count,3,side,side] in 0..1: two colours mixed by a pattern, then grain of several sizes."""
    mix = _gradient(dice, count, side)
    clouds = dice.even(count, 1, 1, 1) * noise(dice, count, 1, side, (2, 4, 8))
    pattern = torch.where(dice.even(count, 1, 1, 1) < 0.35, _stripes(dice, count, side), torch.zeros_like(mix))
    mix = (mix + clouds + pattern * dice.even(count, 1, 1, 1, low=0.2)).clamp(0, 1)
    first, second = _colours(dice, count), _colours(dice, count)
    picture = first * (1 - mix) + second * mix
    grain = noise(dice, count, 3, side, (8, 16, 32, 64)) * dice.even(count, 1, 1, 1, high=0.3) ** 2 * 4
    plain = dice.even(count, 1, 1, 1) < 0.2
    return torch.where(plain, picture, picture + grain).clamp(0, 1)


def noise(dice: Rng, count: int, channels: int, side: int, cells: Sequence[int]) -> Tensor:
    """Smooth noise about 0, [count,channels,side,side]: random grids of so many cells, coarser ones stronger."""
    total = torch.zeros((count, channels, side, side), device=dice.device)
    for number, across in enumerate(cells):
        grid = dice.normal(count, channels, across, across)
        mode = "bicubic" if across * 4 <= side else "bilinear"
        total += functional.interpolate(grid, size=(side, side), mode=mode, align_corners=False) * 0.4 * 0.6**number
    return total


def axes(side: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """x [1,1,1,side] and y [1,1,side,1], both -1..1."""
    line = torch.linspace(-1, 1, side, device=device)
    return line.view(1, 1, 1, side), line.view(1, 1, side, 1)


def _colours(dice: Rng, count: int) -> Tensor:
    """Greys and whites as often as strong colours: studio walls are what products are photographed against."""
    grey = dice.even(count, 1, 1, 1)
    strength = dice.even(count, 1, 1, 1) ** 2
    colour = grey + strength * (dice.even(count, 3, 1, 1) - grey)
    return torch.where(dice.even(count, 1, 1, 1) < 0.12, 0.9 + 0.1 * colour, colour)


def _gradient(dice: Rng, count: int, side: int) -> Tensor:
    x, y = axes(side, dice.device)
    angle = dice.even(count, 1, 1, 1, high=6.2832)
    straight = 0.5 + 0.5 * (x * angle.cos() + y * angle.sin()) * dice.even(count, 1, 1, 1)
    centre = dice.even(count, 2, 1, 1, low=-1)
    round_ = ((x - centre[:, :1]) ** 2 + (y - centre[:, 1:]) ** 2) * dice.even(count, 1, 1, 1, low=0.2)
    return torch.where(dice.even(count, 1, 1, 1) < 0.6, straight, round_)


def _stripes(dice: Rng, count: int, side: int) -> Tensor:
    """Stripes, or checks where two directions are multiplied."""
    x, y = axes(side, dice.device)
    angle = dice.even(count, 1, 1, 1, high=6.2832)
    pitch = 6 * 10 ** dice.even(count, 1, 1, 1)
    along = ((x * angle.cos() + y * angle.sin()) * pitch).sin()
    across = ((y * angle.cos() - x * angle.sin()) * pitch).sin()
    wave = torch.where(dice.even(count, 1, 1, 1) < 0.5, along, along * across)
    return (wave * dice.even(count, 1, 1, 1, low=1, high=12)).clamp(-1, 1) * 0.5
