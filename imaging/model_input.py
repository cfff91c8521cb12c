"""A picture to the model's input, and the model's alpha back to the picture's size.

The model saw whole pictures stretched to a square, transparent parts on mid-grey.
"""

import cv2
import numpy as np

from imaging.bands import bands
from imaging.picture import Picture, Pixels

MID_GREY = 128


def to_model_input(picture: Picture, size: int) -> Pixels:
    """The picture stretched to uint8 [size,size,3], RGB."""
    return shrink(picture, size, size)


def to_image_size(alpha: Pixels, width: int, height: int) -> Pixels:
    """uint8 alpha [S,S] brought to [height,width] by cubic interpolation."""
    return np.asarray(cv2.resize(alpha, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def shrink(picture: Picture, width: int, height: int) -> Pixels:
    """The picture on mid-grey at another size, uint8 [height,width,3]; each axis on its own.

    Halved exactly, again and again, while it stays at least twice as large as wanted, and brought to size by the area
    average: close to that of the whole picture, and cheaper. Linear interpolation where a side grows. A few pixels are
    lost at the right and lower edge where the size is no multiple of the halvings.
    """
    across, down = _halvings(picture.width, width), _halvings(picture.height, height)
    kept = picture.rgba[: picture.height >> down << down, : picture.width >> across << across]
    parts = [
        _halve(_flatten(kept[rows], has_alpha=picture.has_alpha), across, down)
        for rows in bands(kept.shape[0], kept.shape[1], multiple=1 << down)
    ]
    return _to_size(np.concatenate(parts), width, height)


def _halvings(length: int, wanted: int) -> int:
    return max((length // wanted).bit_length() - 2, 0)


def _to_size(pixels: Pixels, width: int, height: int) -> Pixels:
    """INTER_AREA alone would not average along one axis while the other grows."""
    smaller = min(pixels.shape[1], width), min(pixels.shape[0], height)
    averaged = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(averaged, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _halve(pixels: Pixels, across: int, down: int) -> Pixels:
    while across > 0 or down > 0:
        height, width = pixels.shape[:2]
        size = (width >> (across > 0), height >> (down > 0))
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        across, down = across - 1, down - 1
    return pixels


def _flatten(rgba: Pixels, *, has_alpha: bool) -> Pixels:
    """Colour over mid-grey, uint8 [h,w,3]."""
    rgb = np.asarray(cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB), np.uint8)
    if not has_alpha:
        return rgb
    alpha = np.ascontiguousarray(rgba[..., 3]).astype(np.float32)
    return np.asarray(cv2.blendLinear(rgb, np.full_like(rgb, MID_GREY), alpha, 255 - alpha), np.uint8)
