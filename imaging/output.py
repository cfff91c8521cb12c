"""The form of a result: format, channels, background, crop and size, as one value."""

from dataclasses import dataclass
from enum import StrEnum

from imaging.formats import OUTPUTS, ImageFormat

MAX_SIDE = 10_000
"""Limit of each side of a result in pixels, including margins."""

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255, in sRGB."""


class Channels(StrEnum):
    """The delivered channels of the cut-out."""

    RGBA = "rgba"
    ALPHA = "alpha"
    """Only the matte, as a greyscale picture."""


@dataclass(frozen=True, slots=True)
class Length:
    """The margin of one side: pixels, or a share of the subject's size in that direction where `is_share`."""

    value: float
    is_share: bool = False

    def pixels(self, subject: int) -> int:
        """Beside a subject of that many pixels."""
        return round(self.value * subject) if self.is_share else round(self.value)


NO_MARGIN = Length(0)


@dataclass(frozen=True, slots=True)
class Crop:
    """Cut to the subject, with room around it; the background continues beyond the picture's edge."""

    top: Length = NO_MARGIN
    right: Length = NO_MARGIN
    bottom: Length = NO_MARGIN
    left: Length = NO_MARGIN

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Of the result, around a subject of this size; at most `MAX_SIDE` a side."""
        across = width + self.left.pixels(width) + self.right.pixels(width)
        down = height + self.top.pixels(height) + self.bottom.pixels(height)
        return min(across, MAX_SIDE), min(down, MAX_SIDE)


@dataclass(frozen=True, slots=True)
class Output:
    """The form of a result.

    Attributes:
        quality: 1 to 100 for a lossy format; None for our default.
        background: background colour; None for transparency.
        crop: None for the whole picture.
        max_side, max_pixels: limits of the result's size, which is scaled down; None for no limit.

    Raises:
        ValueError: two of these contradict each other; the text names the API's options.
    """

    format: ImageFormat = ImageFormat.PNG
    quality: int | None = None
    channels: Channels = Channels.RGBA
    background: Colour | None = None
    crop: Crop | None = None
    max_side: int | None = None
    max_pixels: int | None = None

    def __post_init__(self) -> None:
        name = self.format.name.lower()
        if self.quality is not None and not self.format.is_lossy:
            lossy = " or ".join(each.name.lower() for each in OUTPUTS if each.is_lossy)
            raise ValueError(f"'quality' has no effect on {name}, which is lossless. Use format={lossy}.")
        if self.background is not None and self.channels is Channels.ALPHA:
            raise ValueError("'bg_color' has no effect with channels=alpha. Remove one of them.")
        if self.is_transparent and not self.format.has_alpha:
            raise ValueError(f"{name} has no transparency. Add a 'bg_color' or channels=alpha.")

    @property
    def is_transparent(self) -> bool:
        """Whether the result has an alpha channel."""
        return self.background is None and self.channels is Channels.RGBA

    @property
    def is_shrunk(self) -> bool:
        """Whether the size is bounded."""
        return self.max_side is not None or self.max_pixels is not None

    def fitted(self, width: int, height: int) -> tuple[int, int]:
        """The size that a result of this size is shrunk to; at least one pixel a side, the proportions kept."""
        scale = min(
            1.0,
            self.max_side / max(width, height) if self.max_side else 1.0,
            (self.max_pixels / (width * height)) ** 0.5 if self.max_pixels else 1.0,
        )
        return (width, height) if scale == 1 else (max(int(width * scale), 1), max(int(height * scale), 1))
