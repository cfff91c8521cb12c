"""The model's small alpha to the matte of the whole picture."""

from imaging.bands import bands
from imaging.fit import unfit
from imaging.guide import Guide
from imaging.levels import set_levels
from imaging.picture import Picture, Pixels
from imaging.specks import drop_specks


def matte_of(picture: Picture, alpha: Pixels) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: ends settled, specks dropped, enlarged with the picture as guide."""
    return guided(picture, drop_specks(set_levels(alpha)))


def guided(picture: Picture, alpha: Pixels) -> Pixels:
    """uint8 [H,W] from uint8 alpha [h,w]: enlarged, and its edges laid where the picture has them."""
    matte = unfit(alpha, picture.width, picture.height)
    guide = Guide(picture, alpha)
    for rows in bands(*matte.shape):
        guide.sharpen(rows, matte[rows])
    return matte
