"""Which pictures of the cache are drawn, and how often."""

from collections.abc import Callable, Sequence

import torch

from training.matting.cache import Cache, Entry
from training.matting.experiment import DataSettings
from training.matting.records import Kind
from training.matting.rng import Rng


class Drawer:
    """Draws rows of the cache by weight; false where there are none."""

    def __init__(self, cache: Cache, rows: Sequence[int], weigh: Callable[[Entry], float]):
        weights = {row: weigh(cache.entries[row]) for row in rows}
        self._rows = [row for row, weight in weights.items() if weight > 0]
        self._weights = torch.tensor([weights[row] for row in self._rows], dtype=torch.float64)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def draw(self, dice: Rng) -> int:
        return self._rows[dice.weighted(self._weights, 1)[0]]


def weight(entry: Entry, data: DataSettings, kind: Kind) -> float:
    """How often a picture of that kind is drawn; 0 for those of other kinds."""
    return data.weights.get(entry.group, 1.0) if entry.kind is kind else 0.0


def as_background(entry: Entry, data: DataSettings) -> float:
    """Pictures that are nothing but background are few, so each counts for many parts of others."""
    if entry.free is None or data.weights.get(entry.group) == 0:
        return 0.0
    return 20.0 if entry.kind is Kind.BACKGROUND else 1.0
