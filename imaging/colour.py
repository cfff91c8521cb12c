"""Colours to sRGB, by the ICC profile that a file carries."""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from imaging.bands import bands
from imaging.picture import Pixels

_SRGB = ImageCms.createProfile("sRGB")
_INTENT = ImageCms.Intent.PERCEPTUAL
_STEPS = np.linspace(0, 255, 9).astype(np.uint8)
_SWATCHES = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, [np.uint8(255)]), axis=-1).reshape(1, -1, 4)
_TOLERANCE = 2
"""Levels of 255: the many tables that are called sRGB differ by rounding."""


def rgba_to_srgb(rgba: Pixels, icc: bytes) -> Pixels:
    """Convert uint8 [H,W,4] in place from an RGB profile, leaving alpha as it is.

    A profile that cannot be read, or is none of RGB, is ignored: so does every viewer, and the pixels are sound.
    """
    transform = _transform(icc, "RGBA", "RGBA")
    if transform is None or _is_srgb(transform):
        return rgba
    for rows in bands(*rgba.shape[:2]):
        rgba[rows] = _apply(transform, rgba[rows], "RGBA")
    return rgba


def grey_to_srgb(rgba: Pixels, icc: bytes) -> Pixels:
    """Convert uint8 [H,W,4] with equal colour channels in place from a grey profile; others are ignored."""
    transform = _transform(icc, "L", "RGB")
    if transform is None:
        return rgba
    curve = _apply(transform, np.arange(256, dtype=np.uint8)[None], "L")[0]
    for rows in bands(*rgba.shape[:2]):
        rgba[rows, :, :3] = curve[rgba[rows, :, 0]]
    return rgba


def cmyk_to_rgb(image: Image.Image, icc: bytes | None) -> Image.Image:
    """An RGB image from a CMYK one: by its profile, or by the plain inverse where it brings none that is usable."""
    transform = _transform(icc, "CMYK", "RGB") if icc else None
    return image.convert("RGB") if transform is None else ImageCms.applyTransform(image, transform) or image


def _transform(icc: bytes, source: str, target: str) -> ImageCms.ImageCmsTransform | None:
    try:
        profile = ImageCms.getOpenProfile(BytesIO(icc))
        return ImageCms.buildTransform(profile, _SRGB, source, target, _INTENT)
    except ImageCms.PyCMSError:
        return None


def _is_srgb(transform: ImageCms.ImageCmsTransform) -> bool:
    moved = _apply(transform, _SWATCHES, "RGBA").astype(np.int16) - _SWATCHES
    return bool(np.abs(moved).max() <= _TOLERANCE)


def _apply(transform: ImageCms.ImageCmsTransform, pixels: Pixels, mode: str) -> Pixels:
    height, width = pixels.shape[:2]
    image = Image.frombuffer(mode, (width, height), pixels, "raw", mode, 0, 1)
    return np.asarray(ImageCms.applyTransform(image, transform))
