"""Ways of a picture through a network: the service's own, and others to compare it with."""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

import cv2
import numpy as np

from imaging import Picture, Pixels, drop_small_components, set_levels, shrink, to_image_size, to_model_input, upsample

Infer = Callable[[Pixels], Pixels]
"""uint8 RGB [S,S,3] to uint8 alpha [S,S]."""

Way = Callable[[Infer, Picture, int], Pixels]
"""Network, picture and S to the matte, uint8 [H,W] at the picture's size."""

SERVICE = "service"

_GREY, _WHITE = 128, 255
_STRETCHED = np.clip(np.rint((np.arange(256) - 127.5) * 1.1 + 127.5), 0, 255).astype(np.uint8)
_MILLI = 1000


def _matte(picture: Picture, alpha: Pixels) -> Pixels:
    """The service's steps between the network and the matte."""
    return upsample(picture, drop_small_components(set_levels(alpha)))


def service(infer: Infer, picture: Picture, size: int) -> Pixels:
    """What the service does."""
    return _matte(picture, infer(to_model_input(picture, size)))


def _plain(infer: Infer, picture: Picture, size: int) -> Pixels:
    """Stretched and enlarged, no more."""
    return to_image_size(infer(to_model_input(picture, size)), picture.width, picture.height)


def _specks_only(infer: Infer, picture: Picture, size: int) -> Pixels:
    return to_image_size(drop_small_components(infer(to_model_input(picture, size))), picture.width, picture.height)


def _guide_only(infer: Infer, picture: Picture, size: int) -> Pixels:
    return upsample(picture, infer(to_model_input(picture, size)))


def _no_levels(infer: Infer, picture: Picture, size: int) -> Pixels:
    return upsample(picture, drop_small_components(infer(to_model_input(picture, size))))


def _resized(infer: Infer, picture: Picture, size: int, *, filter: int) -> Pixels:
    """The input made by one call of OpenCV's with this filter."""
    whole = shrink(picture, picture.width, picture.height)
    return _matte(picture, infer(np.asarray(cv2.resize(whole, (size, size), interpolation=filter), np.uint8)))


def _letterbox(infer: Infer, picture: Picture, size: int, *, border: int, value: int = 0) -> Pixels:
    """The picture in its own shape in the middle of the square; the rest filled as OpenCV's border types say."""
    scale = size / max(picture.width, picture.height)
    width, height = max(round(picture.width * scale), 1), max(round(picture.height * scale), 1)
    left, top = (size - width) // 2, (size - height) // 2
    around = top, size - height - top, left, size - width - left
    square = cv2.copyMakeBorder(shrink(picture, width, height), *around, border, value=(value,) * 3)
    alpha = infer(np.asarray(square, np.uint8))[top : top + height, left : left + width]
    return _matte(picture, np.ascontiguousarray(alpha))


def _flip_mean(infer: Infer, picture: Picture, size: int) -> Pixels:
    """Mean of the picture's alpha and of its mirror image's: twice the work."""
    image = to_model_input(picture, size)
    mirrored = infer(np.ascontiguousarray(image[:, ::-1]))[:, ::-1]
    return _matte(picture, np.asarray(cv2.addWeighted(infer(image), 0.5, mirrored.copy(), 0.5, 0), np.uint8))


def _strong_levels(infer: Infer, picture: Picture, size: int) -> Pixels:
    """Alpha stretched by a tenth around one half: faint haze to 0, nearly solid to 255."""
    return _matte(picture, _STRETCHED[infer(to_model_input(picture, size))])


def _radius(infer: Infer, picture: Picture, size: int, *, radius: int) -> Pixels:
    """The guide's windows of another size."""
    return upsample(picture, drop_small_components(set_levels(infer(to_model_input(picture, size)))), radius=radius)


def _holes(infer: Infer, picture: Picture, size: int, *, milli: int) -> Pixels:
    """Holes of up to so many thousandths of the subject's area filled."""
    alpha = infer(to_model_input(picture, size))
    solid = alpha >= 128
    holes, labels, facts, _ = cv2.connectedComponentsWithStats((~solid).astype(np.uint8), connectivity=4)
    left, top = facts[:, cv2.CC_STAT_LEFT], facts[:, cv2.CC_STAT_TOP]
    right, bottom = left + facts[:, cv2.CC_STAT_WIDTH], top + facts[:, cv2.CC_STAT_HEIGHT]
    inside = (left > 0) & (top > 0) & (right < size) & (bottom < size)
    small = facts[:, cv2.CC_STAT_AREA] * _MILLI <= milli * np.count_nonzero(solid)
    filled = (inside & small & (np.arange(holes) > 0))[labels]
    return _matte(picture, np.where(filled, np.uint8(255), alpha))


WAYS: Mapping[str, Way] = MappingProxyType(
    {
        SERVICE: service,
        "plain": _plain,
        "specks only": _specks_only,
        "guide only": _guide_only,
        "no levels": _no_levels,
        "area": partial(_resized, filter=cv2.INTER_AREA),
        "linear": partial(_resized, filter=cv2.INTER_LINEAR),
        "cubic": partial(_resized, filter=cv2.INTER_CUBIC),
        "letterbox grey": partial(_letterbox, border=cv2.BORDER_CONSTANT, value=_GREY),
        "letterbox white": partial(_letterbox, border=cv2.BORDER_CONSTANT, value=_WHITE),
        "letterbox edge": partial(_letterbox, border=cv2.BORDER_REPLICATE),
        "letterbox mirror": partial(_letterbox, border=cv2.BORDER_REFLECT_101),
        "flip mean": _flip_mean,
        "strong levels": _strong_levels,
        "radius 4": partial(_radius, radius=4),
        "radius 8": partial(_radius, radius=8),
        "one pass": service,  # close-ups are the network's own matter (`networks.py`)
        "darkened": service,  # what is shown to the network is the network's own matter (`networks.py`)
        "not darkened": service,
        "holes 5": partial(_holes, milli=5),
        "holes 100": partial(_holes, milli=100),
    }
)
"""By name. All but "plain" and the two "only" differ in one thing from "one pass", or from the service's."""
