"""Cut-outs on grounds of almost their own colour: white things on white, dark ones on dark.

A network of eight bits loses such subjects first, where its ranges were found on photographs that have none.
"""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from imaging import Picture, Pixels, shrink
from modelkit.quantisation.pictures import chosen, read
from models import ModelError

Plane = NDArray[np.float32]

_ENDINGS = {".png", ".webp"}
_LEAST, _MOST = 3.0, 15.0
"""Levels of 255 by which the ground differs from the subject's rim."""

_SHADE = 12.0
"""Levels from the ground's top to its bottom, at most: a sweep of paper is never even."""


def near_colours(folder: Path, size: int, count: int) -> Pixels:
    """Up to `count` cut-outs of a folder, each on a ground near the colour of its rim: uint8 [n,size,size,3].

    Half of the subjects are paled towards white or darkened towards black first. The same folder gives the same
    pictures. Raises ModelError when there is no cut-out, or a broken one.
    """
    files = sorted(file for file in folder.glob("*") if file.suffix.lower() in _ENDINGS)
    if not files:
        raise ModelError(f"{folder} holds no cut-out: a PNG or WebP picture with alpha.")
    return np.stack(
        [_scene(read(file), size, np.random.default_rng(seed)) for seed, file in enumerate(chosen(files, count))]
    )


def _scene(cutout: Picture, size: int, random: np.random.Generator) -> Pixels:
    colour, alpha = _planes(cutout, size)
    if random.random() < 0.5:
        colour = colour + random.uniform(0.6, 0.95) * (random.choice([8.0, 250.0]) - colour)
    ground = _ground(_rim_colour(colour, alpha), size, random)
    picture = colour * alpha + ground * (1 - alpha)
    return np.asarray(np.clip(picture + random.normal(0, random.uniform(0, 3), picture.shape), 0, 255), np.uint8)


def _planes(cutout: Picture, size: int) -> tuple[Plane, Plane]:
    """Colour float [S,S,3] and alpha float [S,S,1] in 0..1."""
    if not cutout.has_alpha:
        raise ModelError("A picture without alpha is not a cut-out.")
    colour = shrink(Picture(cutout.rgba, has_alpha=False), size, size).astype(np.float32)
    alpha = cv2.resize(np.ascontiguousarray(cutout.rgba[..., 3]), (size, size), interpolation=cv2.INTER_AREA)
    return colour, alpha[..., None].astype(np.float32) / np.float32(255)


def _rim_colour(colour: Plane, alpha: Plane) -> Plane:
    """Mean colour, float [3], of the solid pixels next to the outline; of all solid ones where there are none."""
    solid = (alpha[..., 0] > 0.9).astype(np.uint8)
    rim = (solid - cv2.erode(solid, np.ones((9, 9), np.uint8))).astype(bool)
    chosen_pixels = colour[rim] if rim.any() else colour.reshape(-1, 3)
    return np.asarray(chosen_pixels.mean(axis=0), np.float32)


def _ground(rim: Plane, size: int, random: np.random.Generator) -> Plane:
    """float [S,S,3]: lighter or darker than the rim, and more so from top to bottom."""
    towards = random.choice([-1.0, 1.0])
    nearest, shade = random.uniform(_LEAST, _MOST), random.uniform(0, _SHADE)
    apart = np.linspace(nearest, nearest + shade, size, dtype=np.float32)[:, None, None]
    return np.asarray(np.broadcast_to(rim + towards * apart, (size, size, 3)), np.float32)
