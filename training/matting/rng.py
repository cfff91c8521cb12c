"""Rng that repeats: two generators, one for decisions on the CPU and one for noise where the pixels are."""

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

T = TypeVar("T")
STEPS = 1_000_003
"""Seeds of following runs lie so far apart that no two share a step."""


class Rng:
    """All randomness of one step. Equal seeds and steps give equal numbers, whatever came before: runs can go on."""

    def __init__(self, seed: int, step: int, device: torch.device):
        self.device = device
        self._host = torch.Generator().manual_seed(seed * STEPS + step)
        self._there = torch.Generator(device).manual_seed(seed * STEPS + step)

    def chance(self, probability: float) -> bool:
        """True so often."""
        return self.number() < probability

    def number(self, low: float = 0.0, high: float = 1.0) -> float:
        """Evenly between two values."""
        return low + (high - low) * float(torch.rand((), generator=self._host, dtype=torch.float64))

    def whole(self, low: int, high: int) -> int:
        """A whole number, `high` not included."""
        return int(torch.randint(low, high, (), generator=self._host))

    def one_of(self, things: Sequence[T]) -> T:
        """Any of them."""
        return things[self.whole(0, len(things))]

    def weighted(self, weights: Tensor, count: int) -> list[int]:
        """Places drawn in proportion to `weights` [N], on the CPU, with repetition."""
        return torch.multinomial(weights, count, replacement=True, generator=self._host).tolist()

    def even(self, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Values evenly between two, on the device."""
        return torch.rand(shape, generator=self._there, device=self.device) * (high - low) + low

    def normal(self, *shape: int) -> Tensor:
        """Normal values of mean 0 and deviation 1, on the device."""
        return torch.randn(shape, generator=self._there, device=self.device)

    def places(self, weights: Tensor, count: int) -> Tensor:
        """[N,count] places of each row of `weights` [N,M] drawn in proportion, on the device."""
        return torch.multinomial(weights, count, replacement=True, generator=self._there)
