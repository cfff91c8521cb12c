"""Things turned into nets and into something like glass: soft alpha inside a thing, not only along its boundary."""

import torch
from torch import Tensor

from training.matting.backgrounds import axes, noise
from training.matting.filters import gaussian, smoothstep, wide
from training.matting.rng import Rng


def net(dice: Rng, alpha: Tensor, colour: Tensor) -> tuple[Tensor, Tensor]:
    """Threads in two directions within `alpha` [N,1,S,S], bent by smooth noise, with a solid rim; colour [N,3,S,S]."""
    count, _, side, _ = alpha.shape
    x, y = axes(side, alpha.device)
    bent = noise(dice, count, 2, side, (3, 6)) * dice.even(count, 1, 1, 1, high=0.25)
    x, y = x + bent[:, :1], y + bent[:, 1:]
    angle, skew = dice.even(count, 1, 1, 1, high=6.2832), dice.even(count, 1, 1, 1, low=0.9, high=2.2)
    # From threads four pixels apart to a dozen meshes across.
    pitch = torch.exp(dice.even(count, 1, 1, 1, low=2.9, high=4.6).clamp(max=torch.tensor(side / 4).log().item()))
    thread = torch.zeros_like(alpha)
    thickness = dice.even(count, 1, 1, 1, low=0.12, high=0.4)
    for direction in (angle, angle + skew):
        wave = ((x * direction.cos() + y * direction.sin()) * pitch).sin().abs()
        # Softened over about a pixel, which the pitch says in units of the wave.
        soft = (pitch * 2 / side).clamp(max=0.5)
        thread = torch.maximum(thread, 1 - smoothstep(wave, thickness - soft, thickness + soft))
    rim = smoothstep(alpha - wide(alpha, max(2, side // 48)), 0.1, 0.4)
    woven = torch.maximum(thread, rim * (dice.even(count, 1, 1, 1) < 0.6))
    return alpha * woven, _single_coloured(dice, colour)


def glass(dice: Rng, alpha: Tensor, colour: Tensor) -> tuple[Tensor, Tensor]:
    """Little alpha inside and more towards the rim, as light is reflected at grazing angles, with bright streaks."""
    count, _, side, _ = alpha.shape
    sigma = dice.even(count, low=0.01, high=0.05) * side
    depth = gaussian(alpha, sigma)
    rim = (1 - smoothstep(depth, 0.5, 1.0)) * dice.even(count, 1, 1, 1, low=0.3)
    body = dice.even(count, 1, 1, 1, low=0.03, high=0.45)
    streaks = smoothstep(noise(dice, count, 1, side, (5, 12)), 0.55, 0.75) * dice.even(count, 1, 1, 1)
    tint = 1 - (1 - _single_coloured(dice, colour)) * dice.even(count, 1, 1, 1)
    shown = torch.maximum(torch.maximum(body.expand_as(alpha), rim), streaks)
    return alpha * shown.clamp(0, 1), torch.maximum(
        tint * dice.even(count, 1, 1, 1, low=0.5), streaks.expand_as(colour)
    )


def _single_coloured(dice: Rng, colour: Tensor) -> Tensor:
    """Half of the things keep their colour, half get one of their own."""
    own = dice.even(len(colour), 3, 1, 1).expand_as(colour)
    return torch.where(dice.even(len(colour), 1, 1, 1) < 0.5, colour, own)
