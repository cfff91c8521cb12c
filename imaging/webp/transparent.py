"""Colour for fully transparent pixels, so that lossy compression does not change the visible ones beside them.

A block of VP8 that is half black rings into its visible half, and the colour of an outermost pixel is mixed with that
of its neighbours when a viewer enlarges the colour planes. Transparent pixels get the visible colour nearby, never that
of the removed background.
"""

from collections.abc import Iterator

import cv2
import numpy as np

from imaging.picture import Pixels

_SIDE = 8
"""Pixels of a block's side, as in libwebp's own smoothing, which saves a tenth of the colours' bytes."""


def fill_transparent(rgb: Pixels, alpha: Pixels) -> None:
    """Fill where alpha is 0, in place: partly visible blocks with their mean, and blocks around them with theirs.

    Args:
        rgb: uint8 [H,W,3], zero where alpha is.
        alpha: uint8 [H,W].
    """
    for down, height in _spans(alpha.shape[0]):
        for across, width in _spans(alpha.shape[1]):
            _fill(rgb[down, across], alpha[down, across], height, width)


def _spans(length: int) -> Iterator[tuple[slice, int]]:
    """The span of whole blocks and the rest, each with the length of its blocks."""
    whole = length // _SIDE * _SIDE
    if whole:
        yield slice(0, whole), _SIDE
    if length > whole:
        yield slice(whole, length), length - whole


def _fill(rgb: Pixels, alpha: Pixels, height: int, width: int) -> None:
    """Fill a part that consists of whole blocks of this size."""
    visible = _reduced(np.asarray(cv2.threshold(alpha, 0, 255, cv2.THRESH_BINARY)[1], np.uint8), height, width)
    if visible.min() == 255:
        return
    near = _nearby(_reduced(rgb, height, width), visible)
    blocks, opacity = _blocks(rgb, height, width), _blocks(alpha, height, width)
    down, across = np.nonzero((visible == 0) & near.any(axis=2))
    blocks[down, :, across] = near[down, across, None, None]
    down, across = np.nonzero((visible > 0) & (visible < 255))
    blocks[down, :, across] = _smoothed(blocks[down, :, across], opacity[down, :, across] == 0)


def _reduced(plane: Pixels, height: int, width: int) -> Pixels:
    """The mean of each block, uint8 [down,across,...]."""
    size = plane.shape[1] // width, plane.shape[0] // height
    return np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_AREA), np.uint8)


def _nearby(mean: Pixels, visible: Pixels) -> Pixels:
    """The visible colour of the three by three blocks around each, uint8; zero where nothing is visible."""
    weight, colour = (
        cv2.blur(each.astype(np.float32), (3, 3), borderType=cv2.BORDER_CONSTANT).reshape(each.shape)
        for each in (visible, mean)
    )
    return np.asarray(np.clip(np.rint(255 * colour / np.maximum(weight, 1)[..., None]), 0, 255), np.uint8)


def _blocks(plane: Pixels, height: int, width: int) -> Pixels:
    """A view: [down,height,across,width,...]."""
    rows, columns, *channels = plane.shape
    return plane.reshape(rows // height, height, columns // width, width, *channels)


def _smoothed(blocks: Pixels, transparent: Pixels) -> Pixels:
    """[N,height,width,3] with the mean of each block's visible pixels in the transparent ones."""
    count = np.count_nonzero(~transparent, axis=(1, 2)).reshape(-1, 1, 1, 1)
    visible = np.where(transparent[..., None], 0, blocks)
    mean = np.rint(visible.sum(axis=(1, 2), keepdims=True, dtype=np.uint32) / count).astype(np.uint8)
    return np.where(transparent[..., None], mean, visible)
