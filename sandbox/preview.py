"""A cut-out in the terminal: two pixels for each character, nothing where it is transparent."""

from pathlib import Path

from PIL import Image
from rich_pixels import Pixels

_SIDE = 48


def preview(file: Path) -> Pixels:
    """At most 48 characters wide and 24 lines high."""
    with Image.open(file) as image:
        small = image.convert("RGBA")
        small.thumbnail((_SIDE, _SIDE))
    drawn: Pixels = Pixels.from_image(small)
    return drawn
