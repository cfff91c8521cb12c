"""Hair and fur: thin curves from the boundary of a thing outward, drawn as points at twice the side."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.filters import gaussian, wide
from training.matting.rng import Rng

POINTS = 96


@dataclass(frozen=True, slots=True)
class Style:
    """How strands grow. Lengths are shares of the side.

    Attributes:
        count: how many per picture.
        arc: cosine of the widest angle from a random direction in which roots may lie; -1 is all around.
        straying: how far from the outward direction a strand may begin, in radians.
    """

    count: int
    shortest: float
    longest: float
    arc: float
    straying: float
    bend: float


HAIR = Style(count=160, shortest=0.04, longest=0.28, arc=0.3, straying=0.7, bend=0.5)
FUR = Style(count=420, shortest=0.01, longest=0.05, arc=-1.0, straying=0.5, bend=0.25)


def strands(dice: Rng, alpha: Tensor, colour: Tensor, style: Style) -> tuple[Tensor, Tensor]:
    """Strands for things of `alpha` [N,1,S,S] and `colour` [N,3,S,S]: their alpha [N,1,S,S] and colour [N,3,S,S].

    Every strand is a quadratic curve; it takes its colour from near its root, darker or lighter than there, and is
    thinner towards its end. Things without a boundary get strands of alpha 0.
    """
    side = alpha.shape[-1]
    count = len(alpha)
    roots, outward = _roots(dice, alpha, style)
    length = dice.even(count, style.count, low=style.shortest, high=style.longest) ** 1.3 * style.longest**-0.3
    length = length * dice.even(count, 1, low=0.5, high=1.3)
    turn = dice.normal(count, style.count) * style.straying * dice.even(count, 1)
    direction = torch.atan2(outward[..., 1], outward[..., 0]) + turn
    bend = (dice.normal(count, 1) + 0.4 * dice.normal(count, style.count)) * style.bend
    end_direction = direction + bend
    t = torch.linspace(0, 1, POINTS, device=dice.device)
    reach = length * 0.5
    step = torch.stack((direction.cos(), direction.sin()), -1) * reach.unsqueeze(-1)
    step_end = torch.stack((end_direction.cos(), end_direction.sin()), -1) * reach.unsqueeze(-1)
    # The curve runs in -1..1, where a length of one side is 2.
    curve = roots.unsqueeze(2) + 2 * (
        2 * step.unsqueeze(2) * t[:, None] + (step_end - step).unsqueeze(2) * t[:, None] ** 2
    )
    tone = _tone(dice, colour, roots, style)
    opacity = dice.even(count, style.count, low=0.35).unsqueeze(-1) * (1 - 0.75 * t**2)
    any_edge = (alpha.amax((1, 2, 3)) > 0.5).view(-1, 1, 1)
    return _drawn(curve, opacity * any_edge, tone, side)


def _roots(dice: Rng, alpha: Tensor, style: Style) -> tuple[Tensor, Tensor]:
    """Places on the boundary in -1..1 and the directions outward there, both [N,count,2]."""
    side = alpha.shape[-1]
    small = functional.interpolate(alpha, size=(side // 2, side // 2), mode="area")
    edge = (functional.max_pool2d(small, 3, 1, 1) - small > 0.3).float()
    smooth = wide(small, max(2, side // 32))
    down = functional.pad(smooth[:, :, 2:] - smooth[:, :, :-2], (0, 0, 1, 1))
    right = functional.pad(smooth[:, :, :, 2:] - smooth[:, :, :, :-2], (1, 1))
    normal = functional.normalize(-torch.cat((right, down), 1), dim=1)
    angle = dice.even(len(alpha), 1, 1, high=6.2832)
    facing = normal[:, 0] * angle.cos() + normal[:, 1] * angle.sin()
    weight = (edge[:, 0] * (facing > style.arc)).flatten(1) + 1e-8
    chosen = dice.places(weight, style.count)
    width = small.shape[-1]
    place = torch.stack((chosen % width, chosen // width), -1).float()
    place = (place + dice.even(*place.shape)) / width * 2 - 1
    outward = normal.flatten(2).gather(2, chosen.unsqueeze(1).expand(-1, 2, -1)).transpose(1, 2)
    # A little inside, so that no gap is left between a strand and what it grows from.
    return place - outward * 0.02, outward


def _tone(dice: Rng, colour: Tensor, roots: Tensor, style: Style) -> Tensor:
    """[N,count,3]: colour at the roots, each a little darker or lighter."""
    at = functional.grid_sample(colour, roots.unsqueeze(1), padding_mode="border", align_corners=False)
    tone = at[:, :, 0].transpose(1, 2)
    return (tone * dice.even(len(colour), style.count, 1, low=0.6, high=1.3)).clamp(0, 1)


def _drawn(curve: Tensor, opacity: Tensor, tone: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Points [N,count,POINTS,2] as a picture: the strongest point counts for alpha, the mean for colour."""
    count = len(curve)
    large = 2 * side
    cell = ((curve + 1) * (large / 2)).floor().long()
    inside = ((cell >= 0) & (cell < large)).all(-1)
    place = (cell[..., 1] * large + cell[..., 0]).clamp(0, large * large - 1).flatten(1)
    strength = (opacity * inside).flatten(1)
    alpha = torch.zeros((count, large * large), device=curve.device).scatter_reduce_(1, place, strength, "amax")
    painted = strength.unsqueeze(1) * tone.transpose(1, 2).repeat_interleave(POINTS, 2)
    colour = torch.zeros((count, 3, large * large), device=curve.device)
    colour.scatter_add_(2, place.unsqueeze(1).expand(-1, 3, -1), painted)
    weight = torch.zeros((count, 1, large * large), device=curve.device).scatter_add_(
        2, place.unsqueeze(1), strength.unsqueeze(1)
    )
    both = torch.cat((colour, weight, alpha.unsqueeze(1)), 1).view(count, 5, large, large)
    both = gaussian(both, torch.full((count,), 0.7, device=curve.device))
    both = functional.avg_pool2d(both, 2)
    # The blur spreads a line of one large pixel over three; 1.8 gives its middle most of its opacity back.
    return (both[:, 4:] * 1.8).clamp(0, 1), both[:, :3] / both[:, 3:4].clamp(min=1e-4)
