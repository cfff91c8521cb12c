"""ICC profiles to sRGB, by Little CMS.

Which transform is made depends on the profile's own colour space and on what was decoded, never on what a file's
reader calls it. Unreadable profiles, and those of another colour space than the pixels, are ignored, as
viewers do; the pixel data is still valid.
"""

from io import BytesIO

import numpy as np
from PIL import Image, ImageCms

from imaging.bands import bands
from imaging.picture import Pixels

Transform = ImageCms.ImageCmsTransform

_SRGB = ImageCms.createProfile("sRGB")
_INTENT = ImageCms.Intent.PERCEPTUAL
_NO_FLAGS = ImageCms.Flags.NONE
_STEPS = np.linspace(0, 255, 9).astype(np.uint8)
_SWATCHES = np.stack(np.meshgrid(_STEPS, _STEPS, _STEPS, [np.uint8(255)]), axis=-1).reshape(1, -1, 4)
_TOLERANCE = 2
"""Levels of 255: the many tables that are called sRGB differ by rounding."""


def rgba_to_srgb(rgba: Pixels, icc: bytes) -> None:
    """Convert uint8 [H,W,4] in place from an RGB profile, leaving alpha as it is."""
    transform = _transform(icc, {"RGB": "RGBA"}, "RGBA")
    if transform is None or _is_srgb(transform):
        return
    for rows in bands(*rgba.shape[:2]):
        rgba[rows] = _apply(transform, rgba[rows], "RGBA")


def grey_curve(icc: bytes) -> Pixels | None:
    """uint8 [256,3]: what each level of grey is in sRGB, by a grey profile or an RGB one."""
    # Little CMS rounds curves to speed up millions of pixels; of 256 each may be exact.
    transform = _transform(icc, {"GRAY": "L", "RGB": "RGB"}, "RGB", ImageCms.Flags.NOOPTIMIZE)
    if transform is None:
        return None
    mode = transform.input_mode
    levels = np.arange(256, dtype=np.uint8)[None]
    shown: Pixels = _apply(transform, levels if mode == "L" else np.dstack([levels] * 3), mode)[0]
    return shown


def cmyk_to_rgb(cmyk: Pixels, icc: bytes | None) -> Pixels:
    """uint8 [H,W,3] from inks, uint8 [H,W,4]: by a CMYK profile, or by the plain inverse where there is none."""
    transform = _transform(icc, {"CMYK": "CMYK"}, "RGB") if icc else None
    height, width = cmyk.shape[:2]
    rgb = np.empty((height, width, 3), np.uint8)
    for rows in bands(height, width):
        if transform is None:
            rgb[rows] = np.asarray(_image(cmyk[rows], "CMYK").convert("RGB"))
        else:
            rgb[rows] = _apply(transform, cmyk[rows], "CMYK")
    return rgb


def _transform(icc: bytes, modes: dict[str, str], target: str, flags: ImageCms.Flags = _NO_FLAGS) -> Transform | None:
    """To sRGB; `modes` names the layout of pixels for each colour space that fits them."""
    try:
        profile = ImageCms.getOpenProfile(BytesIO(icc))
        mode = modes.get(profile.profile.xcolor_space.strip())
        return ImageCms.buildTransform(profile, _SRGB, mode, target, _INTENT, flags) if mode else None
    except ImageCms.PyCMSError:
        return None


def _is_srgb(transform: Transform) -> bool:
    moved = _apply(transform, _SWATCHES, "RGBA").astype(np.int16) - _SWATCHES
    return bool(np.abs(moved).max() <= _TOLERANCE)


def _apply(transform: Transform, pixels: Pixels, mode: str) -> Pixels:
    return np.asarray(ImageCms.applyTransform(_image(pixels, mode), transform))


def _image(pixels: Pixels, mode: str) -> Image.Image:
    height, width = pixels.shape[:2]
    return Image.frombuffer(mode, (width, height), np.ascontiguousarray(pixels), "raw", mode, 0, 1)
