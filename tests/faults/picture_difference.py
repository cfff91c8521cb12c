"""The kind of difference between two pictures: rounding, a truncated picture, or another one."""

from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError


def difference(answer: bytes, wanted: bytes) -> str:
    """A description for the history of a wrong picture."""
    try:
        got, right = (_rgba(each) for each in (answer, wanted))
    except (OSError, UnidentifiedImageError) as error:
        return f"{len(answer)} bytes that are not a whole picture: {error}"
    if got.shape != right.shape:
        return f"{got.shape[1]} x {got.shape[0]} pixels and not {right.shape[1]} x {right.shape[0]}"
    apart = np.abs(got - right)
    if not apart.any():
        return f"the same pixels in other bytes: {len(answer)} and not {len(wanted)}"
    rows = np.flatnonzero(apart.any(axis=(1, 2)))
    largest = ", ".join(str(each) for each in apart.max(axis=(0, 1)))
    count = np.count_nonzero(apart.any(axis=2))
    return f"{count} pixels differ, in rows {rows[0]} to {rows[-1]}, by up to {largest} of 255 in R, G, B, A"


def _rgba(picture: bytes) -> np.ndarray[tuple[int, int, int], np.dtype[np.int16]]:
    with Image.open(BytesIO(picture)) as image:
        return np.asarray(image.convert("RGBA"), np.int16)
