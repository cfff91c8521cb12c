"""Small pictures with exact alpha, written as a folder to evaluate on."""

from pathlib import Path

import numpy as np
from PIL import Image

from imaging import Pixels

SIDE = 96


def disc(radius: int, *, across: int = SIDE // 2, side: int = SIDE) -> Pixels:
    """uint8 [side,side]: alpha of a hard disc."""
    rows, columns = np.ogrid[:side, :side]
    inside = (rows - side // 2) ** 2 + (columns - across) ** 2 < radius**2
    return np.where(inside, 255, 0).astype(np.uint8)


def picture(alpha: Pixels, seed: int = 0) -> Pixels:
    """uint8 [H,W,3]: something dark red on coloured, grainy pale ground."""
    random = np.random.default_rng(seed)
    ground = random.integers(205, 250, (6, 6, 3), dtype=np.uint8)
    pale = np.asarray(Image.fromarray(ground).resize(alpha.shape[::-1], Image.Resampling.BICUBIC))
    red = np.full((*alpha.shape, 3), (150, 30, 30), np.uint8)
    return np.where(alpha[..., None] >= 128, red, pale).astype(np.uint8)


def write_pair(folder: Path, name: str, alpha: Pixels, *, seed: int = 0) -> None:
    """`name`.jpg and its alpha `name`.png."""
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture(alpha, seed)).save(folder / f"{name}.jpg", quality=95)
    Image.fromarray(alpha).save(folder / f"{name}.png")
