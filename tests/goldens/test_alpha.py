import numpy as np
import pytest

from imaging import Pixels
from tests.goldens.cutting import MANIFEST, NAMES, cut_out, golden

MEAN = 0.5
"""Levels of 255 that alpha may differ on average: runtimes and processors round differently, models more than that."""

FAR, FAR_SHARE = 16, 0.001
"""At most one pixel in a thousand may differ by more than 16 levels."""


def is_near(alpha: Pixels, expected: Pixels) -> bool:
    difference = np.abs(alpha.astype(int) - expected)
    return bool(difference.mean() <= MEAN and (difference > FAR).mean() <= FAR_SHARE)


@pytest.mark.parametrize("name", NAMES)
async def test_a_photograph_is_cut_out_as_when_it_was_looked_at(name: str) -> None:
    """The real model on the CPU, through the whole pipeline. For another model see renew.py."""
    assert is_near((await cut_out(name))[..., 3], golden(name))


@pytest.mark.parametrize("name", NAMES)
def test_the_distance_tells_a_worse_cut_out(name: str) -> None:
    """Shifted by a pixel, or a little paler: no longer near."""
    alpha = golden(name)
    assert is_near(alpha, alpha)
    assert not is_near(np.roll(alpha, 1, axis=1), alpha)
    assert not is_near((alpha * 0.97).astype(np.uint8), alpha)


def test_every_picture_names_its_source_and_licence() -> None:
    for picture in MANIFEST["picture"]:
        assert picture.keys() == {"name", "source", "licence", "seen"}
