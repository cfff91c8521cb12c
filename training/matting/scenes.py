"""What makes a subject hard to tell from its ground: near colours, dim rooms, light that is all high or all low.

Pictures are [N,3,S,S] and alpha [N,1,S,S], both 0..1; levels are those of 8 bits.
"""

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.backgrounds import axes, noise
from training.matting.camera import luma
from training.matting.filters import smoothstep, wide
from training.matting.layers import Layer, some
from training.matting.rng import Rng

LEVEL = 1 / 255
NEAREST, FARTHEST = 3 * LEVEL, 15 * LEVEL
"""Levels between a subject's rim and a ground that is near it."""
RIM = 9
EDGE = 0.1
"""Alpha at a frame's edge from which on it cuts a thing off."""
SHIFT_SHARE, LEAST_SHIFT, DARK_END = 0.8, 60, 0.1
"""As `imaging/high_key.py` has them."""


def paled(dice: Rng, colour: Tensor) -> Tensor:
    """Half of the pictures lose most of their colour and go towards white or black, as white and black goods are."""
    count = len(colour)
    towards = torch.where(dice.even(count, 1, 1, 1) < 0.7, 0.97, 0.03)
    far = dice.even(count, 1, 1, 1, low=0.4, high=0.9)
    grey = luma(colour)
    drained = grey + (colour - grey) * dice.even(count, 1, 1, 1, high=0.6)
    return torch.where(dice.even(count, 1, 1, 1) < 0.5, drained + (towards - drained) * far, colour)


def rim_colour(dice: Rng, alpha: Tensor, colour: Tensor) -> Tensor:
    """Colour just inside the outline, [N,3,1,1]: its mean, or for half of the pictures that about one place of it."""
    solid = (alpha > 0.9).float()
    rim = solid * (1 + functional.max_pool2d(-solid, RIM, 1, RIM // 2)).clamp(max=1)
    rim = torch.where(rim.amax((2, 3), keepdim=True) > 0, rim, alpha + 1e-3)
    place = dice.places(rim.flatten(1) + 1e-9, 1)
    spot = torch.zeros_like(rim).flatten(1).scatter_(1, place, 1.0).view_as(rim)
    around = wide(spot, max(2, rim.shape[-1] // 12)) * rim + 1e-9 * rim
    weight = torch.where(dice.even(len(alpha), 1, 1, 1) < 0.5, rim / rim.sum((2, 3), keepdim=True), around)
    return (colour * weight).sum((2, 3), keepdim=True) / weight.sum((2, 3), keepdim=True)


def at_edges(alpha: Tensor) -> Tensor:
    """The highest alpha at the edges of each frame, [N]."""
    edges = (alpha[..., 0, :], alpha[..., -1, :], alpha[..., 0], alpha[..., -1])
    return torch.stack([edge.amax((1, 2)) for edge in edges]).amax(0)


def in_rows(dice: Rng, alpha: Tensor, colour: Tensor) -> Layer:
    """The same things again and again, two to six across and one to four down, as goods are shown in sets."""
    side = alpha.shape[-1]
    rows = torch.cat([alpha, colour], 1)
    for place in range(len(rows)):
        down, across = dice.whole(1, 5), dice.whole(2, 7)
        cell = (-(-side // down), -(-side // across))
        small = functional.interpolate(rows[place : place + 1], cell, mode="area")
        rows[place] = small[0].repeat(1, down, across)[:, :side, :side]
    return rows[:, :1], rows[:, 1:]


def near_ground(dice: Rng, alpha: Tensor, colour: Tensor) -> Tensor:
    """Grounds some levels beside the colour of the subject's rim: a wall, a sweep down to a floor, a falling light."""
    count, _, side, _ = alpha.shape
    rim = rim_colour(dice, alpha, colour)
    apart = dice.even(count, 1, 1, 1, low=NEAREST, high=FARTHEST)
    lighter = (dice.even(count, 1, 1, 1) < 0.5) & (rim.amax(1, keepdim=True) + apart < 1)
    lighter |= rim.amin(1, keepdim=True) < apart
    x, y = axes(side, alpha.device)
    horizon, bend = dice.even(count, 1, 1, 1, low=0.0, high=0.9), dice.even(count, 1, 1, 1, low=0.02, high=0.6)
    sweep = smoothstep(y, horizon - bend, horizon + bend) * dice.even(count, 1, 1, 1, low=-12, high=12)
    centre = dice.even(count, 2, 1, 1, low=-0.7, high=0.7)
    fall = ((x - centre[:, :1]) ** 2 + (y - centre[:, 1:]) ** 2) * dice.even(count, 1, 1, 1, low=-6, high=2)
    cloth = noise(dice, count, 1, side, (3, 6, 12)) * dice.even(count, 1, 1, 1, high=4)
    tint = dice.even(count, 3, 1, 1, low=-2, high=2)
    return (rim + torch.where(lighter, apart, -apart) + (sweep + fall + cloth + tint) * LEVEL).clamp(0, 1)


def with_sheet(dice: Rng, ground: Tensor, chance: float) -> Tensor:
    """Some grounds with a sheet of paper or board of almost their colour, which belongs to the ground as well."""
    count, _, side, _ = ground.shape
    x, y = axes(side, ground.device)
    centre, half = dice.even(count, 2, 1, 1, low=-0.3, high=0.3), dice.even(count, 2, 1, 1, low=0.3, high=0.9)
    inside = ((x - centre[:, :1]).abs() < half[:, :1]) & ((y - centre[:, 1:]).abs() < half[:, 1:])
    apart = dice.even(count, 1, 1, 1, low=-12, high=12) * some(dice, ground, chance)
    return (ground + inside * apart * LEVEL).clamp(0, 1)


def contact_shadow(dice: Rng, alpha: Tensor) -> Tensor:
    """How much darker the ground is where a thing stands on it, [N,1,S,S]: most under its lowest part."""
    side = alpha.shape[-1]
    _, y = axes(side, alpha.device)
    filled = alpha.amax(3, keepdim=True) > 0.5
    bottom = torch.where(filled, y, torch.full_like(y, -1.0)).amax(2, keepdim=True)
    foot = alpha * smoothstep(y, bottom - 0.25, bottom)
    down = max(1, side // 64)
    under = functional.pad(foot, (0, 0, down, 0))[:, :, :side]
    near, far = wide(under, max(2, side // 64)), wide(under, max(2, side // 16))
    return torch.maximum(near, far) * dice.even(len(alpha), 1, 1, 1, low=0.05, high=0.6)


def keyed(dice: Rng, picture: Tensor, ground: Tensor) -> Tensor:
    """A fifth each: exposed until the ground is white; all of it light; all of it dark."""
    kind = dice.even(len(picture), 1, 1, 1)
    white = picture / ground.amax((1, 2, 3), keepdim=True).clamp(min=0.6)
    light = 1 - (1 - picture) * dice.even(len(picture), 1, 1, 1, low=0.5, high=0.9)
    dark = picture * dice.even(len(picture), 1, 1, 1, low=0.4, high=0.8)
    for below, made in ((0.6, dark), (0.4, light), (0.2, white)):
        picture = torch.where(kind < below, made, picture)
    return picture.clamp(0, 1)


def dimmed(dice: Rng, picture: Tensor, alpha: Tensor | None = None) -> Tensor:
    """So dark that the mean, of what `alpha` covers where that is said, is a twentieth to a seventh of white."""
    weight = torch.ones_like(picture[:, :1]) if alpha is None else alpha + 1e-6
    mean = (luma(picture) * weight).sum((1, 2, 3), keepdim=True) / weight.sum((1, 2, 3), keepdim=True)
    wanted = dice.even(len(picture), 1, 1, 1, low=0.03, high=0.14)
    return picture * (wanted / mean.clamp(min=1e-3)).clamp(max=1)


def indoors(dice: Rng, picture: Tensor) -> Tensor:
    """The light of lamps: warm, and dim for half of the pictures."""
    count = len(picture)
    warm = torch.cat([dice.even(count, 1, 1, 1, low=low, high=1) for low in (0.95, 0.8, 0.55)], dim=1)
    dim = torch.where(
        dice.even(count, 1, 1, 1) < 0.5,
        dice.even(count, 1, 1, 1, low=0.15, high=0.5),
        dice.even(count, 1, 1, 1, low=0.6, high=1),
    )
    return picture * warm * dim


def darkened(picture: Tensor) -> Tensor:
    """Pictures of values 0..255 as the service shows very light ones to the network: their dark end near black."""
    grey = luma(picture).flatten(1)
    shift = SHIFT_SHARE * grey.quantile(DARK_END, dim=1).view(-1, 1, 1, 1)
    stretched = ((picture - shift) * 255 / (255 - shift)).clamp(0, 255).round()
    return torch.where(shift > LEAST_SHIFT, stretched, picture)
