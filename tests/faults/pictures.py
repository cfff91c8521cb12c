"""The campaign's pictures: small, each unique, a pale disc on a dark background."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

from PIL import Image, ImageDraw

SIDE = 64
Output = Literal["png", "webp"]
OUTPUTS: tuple[Output, ...] = ("png", "webp")


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a picture and their media type."""

    name: str
    content: bytes
    media_type: str


def _draw(name: str, kind: Literal["PNG", "JPEG", "WEBP"], colour: tuple[int, int, int], radius: int) -> Picture:
    image = Image.new("RGB", (SIDE, SIDE), (24, 30, 36))
    middle = SIDE // 2
    ImageDraw.Draw(image).ellipse((middle - radius, middle - radius, middle + radius, middle + radius), fill=colour)
    file = BytesIO()
    image.save(file, kind)
    return Picture(name, file.getvalue(), f"image/{kind.lower()}")


PICTURES = (
    _draw("sand", "PNG", (230, 210, 160), 20),
    _draw("rose", "JPEG", (220, 150, 160), 24),
    _draw("mint", "WEBP", (160, 220, 190), 16),
    _draw("snow", "PNG", (245, 245, 250), 28),
)
