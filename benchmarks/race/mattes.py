"""How far the alphas of two servers are from each other."""

import cv2
import numpy as np


def differences(theirs: list[bytes], ours: list[bytes]) -> dict[str, float]:
    """Of the alphas of PNG files: the mean difference in levels of 255, and the share of pixels beyond 32 levels."""
    pairs = [(_alpha(one), _alpha(other)) for one, other in zip(theirs, ours, strict=True)]
    apart = np.concatenate([cv2.absdiff(one, other).reshape(-1) for one, other in pairs])
    return {"mean_levels": round(float(apart.mean()), 2), "share_beyond_32": round(float((apart > 32).mean()), 4)}


def _alpha(png: bytes) -> "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]":
    pixels = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)
    return np.asarray(cv2.extractChannel(np.asarray(pixels), 3), np.uint8)
