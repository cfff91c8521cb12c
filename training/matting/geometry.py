"""Where in a picture a sample looks, and the looking itself, in batches.

A view is a matrix of two rows and three columns that takes places of the sample to places of the picture, both -1..1
from left to right and from top to bottom, as torch's `affine_grid` wants it.
"""

from collections.abc import Sequence
from math import cos, log2, sin

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.cache import Box

View = tuple[tuple[float, float, float], tuple[float, float, float]]
WHOLE: View = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))


def view(
    *,
    aspect: float,
    height: float,
    frame: float,
    centre: tuple[float, float],
    at: tuple[float, float] = (0.0, 0.0),
    angle: float = 0.0,
    flip: bool = False,
) -> View:
    """Look at a picture of width/height `aspect` through a frame of width/height `frame`.

    The frame is `height` pictures high and turned by `angle` radians; `centre` of the picture lies at its `at`.
    """
    across = -frame if flip else frame
    matrix = (
        (height * across * cos(angle) / aspect, -height * sin(angle) / aspect),
        (height * across * sin(angle), height * cos(angle)),
    )
    x, y = (centre[row] - matrix[row][0] * at[0] - matrix[row][1] * at[1] for row in (0, 1))
    return (*matrix[0], x), (*matrix[1], y)


def middle(box: Box) -> tuple[float, float]:
    """The middle of a box given in shares of the picture, in -1..1."""
    return box[0] + box[2] - 1, box[1] + box[3] - 1


def look(pixels: Tensor, rows: Sequence[int], views: Sequence[View], side: int, *, padding: str) -> Tensor:
    """uint8 [N,C,S,S] seen through views: float 0..1 [len(rows),C,side,side].

    A picture that shrinks is first halved so often that bilinear sampling skips no pixel of it.
    """
    device = pixels.device
    out = torch.empty((len(rows), pixels.shape[1], side, side), device=device)
    levels = [_level(each, pixels.shape[-1] / side) for each in views]
    for level in set(levels):
        places = [place for place, of in enumerate(levels) if of == level]
        source = pixels[torch.tensor([rows[place] for place in places], device=device)].float().div_(255)
        if level:
            source = functional.avg_pool2d(source, 2**level)
        matrix = torch.tensor([views[place] for place in places], device=device)
        grid = functional.affine_grid(matrix, [len(places), source.shape[1], side, side], align_corners=False)
        seen = functional.grid_sample(source, grid, mode="bilinear", padding_mode=padding, align_corners=False)
        out[torch.tensor(places, device=device)] = seen
    return out


def _level(view: View, scale: float) -> int:
    """How often to halve: pixels of the picture per pixel of the sample, as a power of two, rounded down from 1.5."""
    (a, b, _), (c, d, _) = view
    per_pixel = scale * abs(a * d - b * c) ** 0.5
    return min(3, max(0, int(log2(max(per_pixel, 1e-3) / 1.5) + 1)))
