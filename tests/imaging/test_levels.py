import numpy as np

from imaging.levels import set_levels

EVERY = np.arange(256, dtype=np.uint8)[None]


def test_the_ends_are_settled_and_the_middle_stays() -> None:
    levels = set_levels(EVERY)[0]
    assert not levels[:7].any()
    assert (levels[249:] == 255).all()
    assert np.array_equal(levels[18:238], EVERY[0, 18:238])


def test_more_alpha_never_becomes_less_and_no_step_shows() -> None:
    steps = np.diff(set_levels(EVERY)[0].astype(int))
    assert (steps >= 0).all()
    assert steps.max() <= 2


def test_solid_and_empty_are_treated_alike() -> None:
    """Alpha of the background is one minus the alpha of the subject; halves are rounded one way."""
    assert np.allclose(set_levels(255 - EVERY), 255.0 - set_levels(EVERY), atol=1)


def test_its_argument_stays_as_it_is() -> None:
    alpha = np.full((4, 4), 3, np.uint8)
    assert not set_levels(alpha).any()
    assert (alpha == 3).all()
