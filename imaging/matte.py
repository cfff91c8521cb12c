"""The model's small alpha to the matte of the whole picture."""

from imaging.bands import bands
from imaging.fit import shrink, unfit
from imaging.guide import RADIUS, Guide
from imaging.levels import set_levels
from imaging.picture import Picture, Pixels
from imaging.specks import drop_specks


def matte_of(picture: Picture, alpha: Pixels, seen: Pixels | None = None) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: ends settled, specks dropped, enlarged with the picture as guide.

    Args:
        seen: the picture as the model saw it, uint8 [h,w,3]; made anew where it is not at hand.
    """
    return guided(picture, drop_specks(set_levels(alpha)), seen)


def guided(picture: Picture, alpha: Pixels, seen: Pixels | None = None, radius: int = RADIUS) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: enlarged, and its edges laid where the picture has them."""
    matte = unfit(alpha, picture.width, picture.height)
    height, width = alpha.shape
    if seen is None or seen.shape[:2] != alpha.shape:
        seen = shrink(picture, width, height)
    guide = Guide(picture, seen, alpha, radius)
    for rows in bands(*matte.shape):
        guide.sharpen(rows, matte[rows])
    return matte
