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

    Halved exactly, again and again, while both sides stay at least twice as large as wanted, and brought to size by the
    area average: close to that of the whole picture, and cheaper (OpenCV halves one side alone more slowly than it
    averages). Linear interpolation where a side grows. A few pixels are lost at the right and lower edge where the size
    is not a multiple of the halvings.
    """
    halvings = min(_halvings(picture.width, width), _halvings(picture.height, height))
    kept = picture.rgba[: picture.height >> halvings << halvings, : picture.width >> halvings << halvings]
    flatten = _on_grey if picture.has_alpha else np.asarray
    if halvings:  # a few rows at a time, so that no copy of the whole picture is made
        rows = bands(kept.shape[0], kept.shape[1], multiple=1 << halvings)
        small = np.concatenate([_halve(flatten(kept[each]), halvings) for each in rows])
    else:
        small = flatten(kept)
    return np.asarray(cv2.cvtColor(_to_size(small, width, height), cv2.COLOR_RGBA2RGB), np.uint8)


def _halvings(length: int, wanted: int) -> int:
    return max((length // wanted).bit_length() - 2, 0)


def _to_size(pixels: Pixels, width: int, height: int) -> Pixels:
    """INTER_AREA alone would not average along one axis while the other grows."""
    smaller = min(pixels.shape[1], width), min(pixels.shape[0], height)
    averaged = cv2.resize(pixels, smaller, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(averaged, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _halve(pixels: Pixels, times: int) -> Pixels:
    for _ in range(times):
        height, width = pixels.shape[:2]
        pixels = np.asarray(cv2.resize(pixels, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)
    return pixels


def _on_grey(rgba: Pixels) -> Pixels:
    """Colour over mid-grey, uint8 [h,w,4]; the fourth channel means nothing."""
    alpha = np.ascontiguousarray(rgba[..., 3]).astype(np.float32)
    return np.asarray(cv2.blendLinear(rgba, np.full_like(rgba, MID_GREY), alpha, 255 - alpha), np.uint8)
