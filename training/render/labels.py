"""Printed matter that means nothing: blocks of colour, invented words, bars. The font is Pillow's own."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from training.render.looks import Colour, colour
from training.render.rng import Rng

Ink = tuple[int, int, int]


def label(chance: Rng, width: int = 512, height: int = 512, base: Colour | None = None) -> NDArray[np.uint8]:
    """A label, RGB [height,width,3], on paper of colour `base` or any."""
    picture = Image.new("RGB", (width, height), _ink(base or colour(chance)))
    draw = ImageDraw.Draw(picture)
    for _ in range(chance.whole(1, 6)):
        _shape(chance, draw, width, height)
    top = chance.uniform(0.1, 0.3) * height
    for line in range(chance.whole(2, 6)):
        size = int(height * (chance.uniform(0.03, 0.08) if line else chance.uniform(0.1, 0.22)))
        text = " ".join(_word(chance) for _ in range(chance.whole(1, 5) if line else 1))
        draw.text((chance.uniform(0.05, 0.25) * width, top), text, _ink(colour(chance)), ImageFont.load_default(size))
        top += size * 1.4
    if chance.happens(0.6):
        _bars(chance, draw, width, height)
    return np.asarray(picture)


def _shape(chance: Rng, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    left, top = chance.uniform(-0.2, 0.9) * width, chance.uniform(-0.2, 0.9) * height
    place = (left, top, left + chance.uniform(0.1, 0.8) * width, top + chance.uniform(0.05, 0.6) * height)
    ink = _ink(colour(chance))
    if chance.happens(1 / 3):
        draw.ellipse(place, fill=ink)
    else:
        draw.rectangle(place, fill=ink)


def _bars(chance: Rng, draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    left = 0.65 * width
    for _ in range(24):
        thick = chance.uniform(1, 5) * width / 512
        draw.rectangle((left, 0.85 * height, left + thick, 0.95 * height), fill=(0, 0, 0))
        left += thick + chance.uniform(1, 5) * width / 512


def _word(chance: Rng) -> str:
    syllables = (chance.pick("bcdfglmnprstvz") + chance.pick("aeiou") for _ in range(chance.whole(1, 3)))
    word = "".join(syllables)
    return word.upper() if chance.happens(0.5) else word.title()


def _ink(linear: Colour) -> Ink:
    red, green, blue = (round(255 * min(1.0, part) ** (1 / 2.2)) for part in linear)
    return red, green, blue
