"""The model's small alpha to the matte of the whole picture."""

from imaging.bands import bands
from imaging.guide import RADIUS, GuidedUpsampler
from imaging.levels import set_levels
from imaging.model_input import shrink, to_image_size
from imaging.picture import Picture, Pixels
from imaging.small_components import drop_small_components


def matte_of(picture: Picture, alpha: Pixels, seen: Pixels | None = None) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: ends settled, specks dropped, enlarged with the picture as guide.

    Args:
        seen: the picture as the model saw it, uint8 [h,w,3]; made anew where it is not at hand.
    """
    return guided(picture, drop_small_components(set_levels(alpha)), seen)


def guided(picture: Picture, alpha: Pixels, seen: Pixels | None = None, radius: int = RADIUS) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: enlarged, and its edges laid where the picture has them."""
    matte = to_image_size(alpha, picture.width, picture.height)
    height, width = alpha.shape
    if seen is None or seen.shape[:2] != alpha.shape:
        seen = shrink(picture, width, height)
    guide = GuidedUpsampler(picture, seen, alpha, radius)
    for rows in bands(*matte.shape):
        guide.refine(rows, matte[rows])
    return matte
