"""The pipeline's steps after the model, one call for each part that tests look at; test_pipeline.py compares them."""

import imaging
from imaging import Decontamination, Picture, Pixels


def cleaned(picture: Picture, alpha: Pixels) -> Pixels:
    """Alpha of the model's size, before it is enlarged."""
    return imaging.drop_small_components(imaging.set_levels(imaging.keep_existing_alpha(picture, alpha)))


def matte_of(picture: Picture, alpha: Pixels, small: Pixels | None = None) -> Pixels:
    """uint8 [H,W]."""
    return imaging.upsample(picture, cleaned(picture, alpha), small)


def has_subject(picture: Picture, alpha: Pixels) -> bool:
    """By the model's own alpha."""
    return imaging.has_subject(picture, cleaned(picture, alpha))


def compose(picture: Picture, alpha: Pixels, small: Pixels | None = None) -> Pixels:
    """uint8 [H,W,4] by the model's own alpha, in place."""
    matte = matte_of(picture, alpha, small)
    kept = imaging.keep_existing_alpha(picture, alpha)
    return imaging.compose(picture, matte, Decontamination(picture, kept, small))
