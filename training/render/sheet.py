"""Contact sheets: a batch at a glance, on magenta and on chequers by turns, so that no edge can hide."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.render import manifest

MAGENTA = (255, 0, 255)
CHEQUERS = (150, 210)
CHEQUER = 8


def contact_sheet(files: Sequence[Path], *, tile: int = 160, columns: int = 10, named: bool = True) -> Image.Image:
    """Pictures of any size with alpha (or without) as tiles in rows, each with its name."""
    rows = -(-len(files) // columns)
    whole = Image.new("RGB", (columns * tile, rows * tile), MAGENTA)
    for place, file in enumerate(files):
        with Image.open(file) as picture:
            shown = _tile(picture.convert("RGBA"), tile, chequered=bool(place % 2))
        if named:
            ImageDraw.Draw(shown).text((3, 1), file.stem, fill=(0, 0, 0))
        whole.paste(shown, (place % columns * tile, place // columns * tile))
    return whole


def _tile(picture: Image.Image, side: int, *, chequered: bool) -> Image.Image:
    ground = Image.fromarray(_ground(side, chequered=chequered))
    small = picture.resize((side, side), Image.Resampling.LANCZOS)
    ground.paste(small, (0, 0), small)
    return ground


def _ground(side: int, *, chequered: bool) -> NDArray[np.uint8]:
    if not chequered:
        return np.full((side, side, 3), MAGENTA, np.uint8)
    y, x = np.mgrid[:side, :side] // CHEQUER
    return np.repeat(np.where((x + y) % 2, *CHEQUERS)[..., None], 3, 2).astype(np.uint8)


def of_folder(folder: Path, most: int) -> list[Path]:
    """The pictures of a folder with a manifest, at most so many, spread evenly."""
    rows = manifest.read(folder)
    places = np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int)
    return [folder / rows[place].file for place in places]
