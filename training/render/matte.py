"""Pixels of a foreground: colour and alpha joined, and whether there is enough and not too much of it."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Pixels = NDArray[np.uint8]
COVERAGE = (0.03, 0.85)
"""Mean alpha of a picture that is worth training on: less is a speck, more has no background."""
SOFT = (8, 247)
"""Alpha between these is soft."""
_TRUSTED = 0.06
_REACH = (1, 3, 9, 27)


def coverage(alpha: Pixels) -> float:
    """Mean alpha, 0..1."""
    return float(alpha.mean()) / 255


def soft(alpha: Pixels) -> float:
    """Share of the pixels whose alpha is neither hardly anything nor nearly all."""
    return float(((alpha > SOFT[0]) & (alpha < SOFT[1])).mean())


def fits(share: float) -> bool:
    """Whether a coverage is worth training on."""
    return COVERAGE[0] <= share <= COVERAGE[1]


def joined(colour: Pixels, alpha: Pixels) -> Pixels:
    """Straight RGBA [H,W,4] of a colour pass (RGBA) and the alpha [H,W] of its own pass.

    Where the colour pass has hardly any alpha of its own its colour is noise or black: there colour flows in from
    around, so that a picture composed with any alpha has no dark seam.
    """
    rgb = colour[..., :3].astype(np.float32)
    weight: NDArray[np.float32] = colour[..., 3].astype(np.float32) / np.float32(255)
    for radius in _REACH:
        near = _blurred(weight * np.float32(255), radius) / np.float32(255)
        spread = np.stack([_blurred(rgb[..., band] * weight, radius) for band in range(3)], -1)
        unknown = (weight < _TRUSTED) & (near > 0.02)
        rgb[unknown] = (spread / np.maximum(near, 1e-4)[..., None])[unknown]
        weight = np.where(unknown, np.minimum(near, 1), weight)
    return np.dstack([np.rint(rgb.clip(0, 255)).astype(np.uint8), alpha])


def _blurred(band: NDArray[np.float32], radius: int) -> NDArray[np.float32]:
    picture = Image.fromarray(np.rint(band.clip(0, 255)).astype(np.uint8)).filter(ImageFilter.GaussianBlur(radius))
    return np.asarray(picture).astype(np.float32)
