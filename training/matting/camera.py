"""What cameras and files do to a picture: light and colour, blur, noise, JPEG. Pictures are [N,3,S,S] in 0..1."""

from collections.abc import Callable, Sequence
from functools import cache
from math import cos, pi

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.experiment import SynthesisSettings
from training.matting.filters import gaussian
from training.matting.rng import Rng

LUMA = (0.299, 0.587, 0.114)
# ITU-T T.81, annex K.1: the quantisation tables that encoders scale by quality.
LUMA_TABLE = (
    (16, 11, 10, 16, 24, 40, 51, 61), (12, 12, 14, 19, 26, 58, 60, 55), (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62), (18, 22, 37, 56, 68, 109, 103, 77), (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101), (72, 92, 95, 98, 112, 100, 103, 99),
)  # fmt: skip
CHROMA_TABLE = (
    (17, 18, 24, 47, 99, 99, 99, 99), (18, 21, 26, 66, 99, 99, 99, 99), (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99), *(((99,) * 8,) * 4),
)  # fmt: skip


def photographed(dice: Rng, picture: Tensor, chances: SynthesisSettings, exposed: Sequence[bool] = ()) -> Tensor:
    """Each effect for some of the pictures, in the order in which light, lens, sensor and file come.

    Those that are `exposed` keep their light and colour.
    """
    count = len(picture)

    def some(chance: float) -> list[int]:
        return [number for number in range(count) if dice.chance(chance)]

    lit = [number for number in some(chances.colour) if not (exposed and exposed[number])]
    picture = _on(picture, lit, lambda part: coloured(dice, part))
    picture = _on(picture, some(chances.grey), lambda part: luma(part).expand(-1, 3, -1, -1))
    blur = some(chances.blur)
    picture = _on(picture, blur, lambda part: gaussian(part, dice.even(len(part), low=0.4, high=1.6)))
    picture = _on(picture, some(chances.noise), lambda part: noisy(dice, part))
    return _on(picture, some(chances.jpeg), lambda part: jpeg(part, dice.even(len(part), low=35, high=92)))


def _on(picture: Tensor, places: list[int], effect: Callable[[Tensor], Tensor]) -> Tensor:
    if not places:
        return picture
    at = torch.tensor(places, device=picture.device)
    return picture.index_copy(0, at, effect(picture[at]))


def coloured(dice: Rng, picture: Tensor) -> Tensor:
    """Exposure, contrast, colour of the light, saturation, gamma."""
    count = len(picture)
    picture = picture * dice.even(count, 1, 1, 1, low=0.65, high=1.35) * dice.even(count, 3, 1, 1, low=0.9, high=1.1)
    mean = picture.mean((1, 2, 3), keepdim=True)
    picture = mean + (picture - mean) * dice.even(count, 1, 1, 1, low=0.7, high=1.3)
    grey = luma(picture)
    picture = grey + (picture - grey) * dice.even(count, 1, 1, 1, low=0.5, high=1.5)
    return picture.clamp(0, 1) ** dice.even(count, 1, 1, 1, low=0.75, high=1.35)


def noisy(dice: Rng, picture: Tensor) -> Tensor:
    """Noise of the sensor, of one pixel's size and, weaker, of two as cameras leave it after cleaning."""
    count, _, side, _ = picture.shape
    fine = dice.normal(*picture.shape) * dice.even(count, 1, 1, 1, high=0.06)
    coarse = dice.normal(count, 3, side // 2, side // 2) * dice.even(count, 1, 1, 1, high=0.04)
    return (picture + fine + functional.interpolate(coarse, scale_factor=2, mode="bilinear")).clamp(0, 1)


def jpeg(picture: Tensor, quality: Tensor) -> Tensor:
    """What JPEG at `quality` [N], 1..100, leaves: 4:2:0 colour and 8 by 8 blocks quantised by the standard's tables.

    The sides of the picture must be multiples of 16. Only the lossless packing of the coefficients is left out.
    """
    factor = torch.where(quality < 50, 50 / quality, 2 - quality / 50).view(-1, 1, 1, 1, 1)
    grey = luma(picture)
    blue, red = (picture[:, 2:] - grey) / 1.772, (picture[:, :1] - grey) / 1.402
    small = functional.avg_pool2d(torch.cat((blue, red), 1), 2)
    grey = _quantised(grey - 0.5, LUMA_TABLE, factor) + 0.5
    chroma = functional.interpolate(_quantised(small, CHROMA_TABLE, factor), scale_factor=2, mode="bilinear")
    blue, red = chroma[:, :1], chroma[:, 1:]
    r, b = grey + 1.402 * red, grey + 1.772 * blue
    g = (grey - LUMA[0] * r - LUMA[2] * b) / LUMA[1]
    return torch.cat((r, g, b), 1).clamp(0, 1)


def _quantised(plane: Tensor, table: tuple[tuple[int, ...], ...], factor: Tensor) -> Tensor:
    count, channels, height, width = plane.shape
    blocks = plane.view(count, channels, height // 8, 8, width // 8, 8).permute(0, 1, 2, 4, 3, 5) * 255
    dct = _dct(str(plane.device))
    steps = torch.tensor(table, device=plane.device, dtype=plane.dtype)
    steps = (steps * factor.unsqueeze(-1)).round().clamp(1, 255)
    coefficients = dct @ blocks @ dct.T
    blocks = dct.T @ ((coefficients / steps).round() * steps) @ dct / 255
    return blocks.permute(0, 1, 2, 4, 3, 5).reshape(plane.shape)


@cache
def _dct(device: str) -> Tensor:
    """The orthonormal discrete cosine transform of eight values, as a matrix."""
    rows = [[(0.5 if k else 0.125**0.5) * cos(pi * (2 * n + 1) * k / 16) for n in range(8)] for k in range(8)]
    return torch.tensor(rows, device=device)


def luma(picture: Tensor) -> Tensor:
    """Brightness [N,1,S,S] of colours, as television weighs them (ITU-R BT.601)."""
    r, g, b = picture.unbind(1)
    return (LUMA[0] * r + LUMA[1] * g + LUMA[2] * b).unsqueeze(1)
