"""Converts any raster to 8-bit RGBA in sRGB, by the file's colour information."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from imaging import icc
from imaging.bands import bands
from imaging.picture import Picture, Pixels
from imaging.raster import Raster, Samples
from imaging.rgb_space import SRGB, ColourTag, RgbSpace
from imaging.srgb import to_srgb_code

_IDENTITY_TOLERANCE = 2e-3
"""cHRM holds sRGB's own primaries rounded to four digits, or to three."""


def to_picture(raster: Raster, tag: ColourTag | None) -> Picture:
    """The raster as a Picture. Of 16 bits the upper 8 are kept, after the conversion where the colours are numbers.

    Without a tag the pixels count as sRGB, as in browsers.
    """
    if tag is None or tag == SRGB:
        return Picture(_to_rgba(raster), raster.has_alpha)
    rgba = _by_profile(raster, tag) if isinstance(tag, bytes) else _by_numbers(raster, tag)
    return Picture(rgba, raster.has_alpha)


def _by_profile(raster: Raster, profile: bytes) -> Pixels:
    rgba = _to_rgba(raster)
    if not raster.is_grey:
        icc.rgba_to_srgb(rgba, profile)
    elif (curve := icc.grey_curve(profile)) is not None:
        for rows in bands(*rgba.shape[:2]):
            rgba[rows, :, :3] = curve[rgba[rows, :, 0]]
    return rgba


def _by_numbers(raster: Raster, space: RgbSpace) -> Pixels:
    """Each channel by one curve where the primaries are sRGB's or the picture is grey; else by light and matrix."""
    codes = np.arange(np.iinfo(raster.samples.dtype).max + 1)
    light = space.transfer((codes / codes[-1]).astype(np.float32))
    neutral = to_srgb_code(space.display_light(np.repeat(light[:, None], 3, axis=1)))[:, 0]
    is_separable = space.peak == 1 and bool(np.allclose(space.matrix, np.eye(3), atol=_IDENTITY_TOLERANCE))
    rgba = np.empty((*raster.samples.shape[:2], 4), np.uint8)
    for rows in bands(*rgba.shape[:2]):
        samples = raster.samples[rows]
        rgba[rows, :, 3] = _alpha(samples, has_alpha=raster.has_alpha)
        if raster.is_grey:
            rgba[rows, :, :3] = _looked_up(samples[..., :1], neutral)
        elif is_separable:
            rgba[rows, :, :3] = _looked_up(samples[..., :3], neutral)
        else:
            shown = space.display_light(np.asarray(_looked_up(samples[..., :3], light), np.float32))
            rgba[rows, :, :3] = to_srgb_code(np.asarray(cv2.transform(shown, space.matrix), np.float32))
    return rgba


def _looked_up(samples: Samples, table: MatLike) -> MatLike:
    """Each sample's entry in a table of 256 or 65,536: several times faster than by an index."""
    height, width, channels = samples.shape
    return cv2.LUT(np.ascontiguousarray(samples), table.reshape(1, -1)).reshape(height, width, channels)


def _alpha(samples: Samples, *, has_alpha: bool) -> Pixels | int:
    return _upper_byte(samples[..., -1]) if has_alpha else 255


def _to_rgba(raster: Raster) -> Pixels:
    samples = raster.samples
    if samples.dtype == np.uint8 and samples.shape[2] == 4:
        return np.ascontiguousarray(samples, dtype=np.uint8)
    rgba = np.empty((*samples.shape[:2], 4), np.uint8)
    for rows in bands(*rgba.shape[:2]):
        rgba[rows] = _expanded(_upper_byte(samples[rows]))
    return rgba


def _upper_byte(samples: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
    return (samples >> 8).astype(np.uint8) if samples.dtype == np.uint16 else samples.astype(np.uint8, copy=False)


def _expanded(pixels: Pixels) -> Pixels:
    match pixels.shape[2]:
        case 1:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGBA), np.uint8)
        case 2:
            return pixels[..., [0, 0, 0, 1]]
        case 3:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)
        case _:
            return pixels
