"""What we make of a file, beside what a browser shows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from errors import InvalidImage
from imaging import ImageFormat, Pixels, decode, probe

MAX_SIDE = 10_000
TOLERANCE = 4
"""Levels of 255. Canvas keeps colours multiplied by alpha, so both are compared in that form."""

OUTLIERS = 0.001
"""Share of the pixels that may be farther off: decoders of JPEG round differently."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """One file.

    Attributes:
        kind: same, differs, both refuse, we refuse, or browser refuses.
        detail: by how much, or why.
    """

    kind: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.kind}: {self.detail}" if self.detail else self.kind


def verdict(file: Path, browsers: Pixels | None) -> Verdict:
    """Of one file, of which the browser shows these pixels or none."""
    try:
        ours = _decoded(file)
    except InvalidImage as refusal:
        return Verdict("both refuse" if browsers is None else "we refuse", refusal.detail)
    if browsers is None:
        return Verdict("browser refuses")
    return verdict_of_pixels(ours, browsers)


def _decoded(file: Path) -> Pixels:
    body = file.read_bytes()
    found = ImageFormat.of(body)
    if found is None:
        raise InvalidImage("not PNG, JPEG or WebP")
    return decode(body, probe(body, found, MAX_SIDE)).rgba


def verdict_of_pixels(ours: Pixels, browsers: Pixels) -> Verdict:
    """Of two pictures, uint8 [H,W,4] with straight alpha."""
    if ours.shape != browsers.shape:
        return Verdict("differs", f"{ours.shape[1]} x {ours.shape[0]}, {browsers.shape[1]} x {browsers.shape[0]}")
    distance = np.abs(_multiplied(ours) - _multiplied(browsers)).max(axis=2)
    worst = float(np.quantile(distance, 1 - OUTLIERS, method="lower"))
    return Verdict("same") if worst <= TOLERANCE else Verdict("differs", f"by {worst:.0f} of 255")


def _multiplied(pixels: Pixels) -> "np.ndarray[tuple[int, ...], np.dtype[np.float32]]":
    values = pixels.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    return values
