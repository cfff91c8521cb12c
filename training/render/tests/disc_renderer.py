"""A renderer that needs no Blender: a disc per picture, whose red is its number."""

import numpy as np
from numpy.typing import NDArray

from training.render.batch import Task


class Disc:
    """A disc of straight alpha with a soft edge, RGBA [side,side,4], greener to the right; and its set, one grey."""

    def __init__(self, number: int, side: int, *, pair: bool) -> None:
        y, x = np.mgrid[:side, :side] - (side - 1) / 2
        alpha = np.clip(side / 3 - np.hypot(x, y), 0, 1)
        self.rgba: NDArray[np.uint8] = np.empty((side, side, 4), np.uint8)
        self.rgba[..., :3] = (number * 37 % 256, 0, 90)
        self.rgba[..., 1] = np.linspace(40, 220, side)
        self.rgba[..., 3] = np.rint(alpha * 255)
        self.in_set: NDArray[np.uint8] | None = np.full((side, side, 3), 128, np.uint8) if pair else None


class Died(Exception):
    """The process was killed while it rendered."""


class DiscRenderer:
    """Makes discs and remembers for which tasks.

    `dies_at`: the how manieth call does not come back. `hopeless`: numbers that never give a usable picture.
    """

    def __init__(self, side: int = 24, *, dies_at: int | None = None, hopeless: frozenset[int] = frozenset()) -> None:
        self.asked: list[Task] = []
        self._side, self._dies_at, self._hopeless = side, dies_at, hopeless

    def __call__(self, task: Task) -> Disc | None:
        self.asked.append(task)
        if len(self.asked) == self._dies_at:
            raise Died
        return None if task.number in self._hopeless else Disc(task.number, self._side, pair=task.pair)
