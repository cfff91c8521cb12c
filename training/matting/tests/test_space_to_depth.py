"""Convolutions at full size and their parts at half of it compute the same, and the parts join again."""

import pytest
import torch
from torch.nn.functional import conv2d, pad, pixel_shuffle, pixel_unshuffle

from training.matting.network import twice
from training.matting.space_to_depth import DOUBLED, PHASED, STRIDED, join, split


def values(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(len(shape) + shape[0]))


WEIGHT = values(6, 5, 3, 3)


def shuffled(y: torch.Tensor) -> torch.Tensor:
    """Channels (phase, out) → out (phase), which is the order of `pixel_shuffle`."""
    return pixel_shuffle(y.unflatten(1, (4, -1)).transpose(1, 2).flatten(1, 2), 2)


def test_over_a_map_that_is_doubled() -> None:
    x = values(2, 5, 7, 9)
    full = conv2d(twice(pad(x, (1, 1, 1, 1)))[:, :, 1:-1, 1:-1], WEIGHT)
    assert torch.allclose(shuffled(conv2d(x, split(WEIGHT, DOUBLED), padding=1)), full, atol=1e-5)


def test_over_a_map_at_full_size() -> None:
    x = values(2, 5, 14, 18)
    half = conv2d(x, split(WEIGHT, STRIDED), padding=1, stride=2)
    assert torch.allclose(shuffled(half), conv2d(x, WEIGHT, padding=1), atol=1e-5)


def test_over_phases() -> None:
    x = values(2, 5, 14, 18)
    phases = pixel_unshuffle(x, 2).unflatten(1, (5, 4)).transpose(1, 2).flatten(1, 2)
    half = conv2d(phases, split(WEIGHT, PHASED), padding=1)
    assert torch.allclose(shuffled(half), conv2d(x, WEIGHT, padding=1), atol=1e-5)


@pytest.mark.parametrize("taps", [DOUBLED, STRIDED, PHASED], ids=["doubled", "strided", "phased"])
def test_parts_join_again(taps: torch.Tensor) -> None:
    assert torch.allclose(join(split(WEIGHT, taps), taps), WEIGHT, atol=1e-5)
