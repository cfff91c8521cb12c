"""Leaves, petals and branches, gathered into few meshes."""

import numpy as np
from numpy.typing import ArrayLike

from training.render.looks import Look
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh
from training.render.shapes import Line, joined, spline, tube, unit

UP = np.array([0.0, 0.0, 1.0])


class Foliage:
    """Leaves of one look; `mesh` is all of them."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._leaves: list[Mesh] = []

    def leaf(
        self, at: ArrayLike, direction: ArrayLike, *, length: float, width: float, up: ArrayLike = UP,
        droop: float = 0.5, fold: float = 0.25, shape: float = 0.7, steps: int = 7,
    ) -> None:  # fmt: skip
        """Add a leaf from `at` along `direction`, its upper side towards `up`.

        `width` is half its breadth, `fold` how much its halves stand up; `shape` under 1 is broad near the stalk,
        over 1 near the tip.
        """
        ahead = unit(np.asarray(direction, float))
        side = unit(np.cross(ahead, np.asarray(up, float)))
        above = np.cross(side, ahead)
        t = np.linspace(0, 1, steps)[:, None]
        half = width * np.sin(np.pi * t**shape) * (1 - 0.15 * t) + width * 0.03
        rib = np.asarray(at, float) + ahead * t * length - UP * droop * length * t**2
        lift = above * half * fold
        points = np.stack([rib - side * half + lift, rib, rib + side * half + lift])
        columns = np.arange(3 * steps).reshape(3, steps)
        quads = np.stack([columns[:-1, :-1], columns[:-1, 1:], columns[1:, 1:], columns[1:, :-1]], -1)
        self._leaves.append(Mesh(points.reshape(-1, 3), quads.reshape(-1, 4).tolist(), self._look))

    @property
    def mesh(self) -> list[Mesh]:
        """All leaves as one mesh; none when there are none."""
        return [joined(self._leaves)] if self._leaves else []


def upwards(chance: Rng, spread: float, up: float = 1.0) -> Floats:
    """A direction that points up, more or less."""
    return unit(UP * up + chance.normals(spread, 3))


def twig(chance: Rng, at: Floats, direction: Floats, length: float, wander: float = 0.03) -> Floats:
    """The crooked line [10,3] of a twig."""
    straight = at + direction * np.linspace(0, length, 10)[:, None]
    steps = chance.normals(wander * length, 10, 3)
    steps[0] = 0  # it starts where it grows
    line: Floats = straight + np.cumsum(steps, 0)
    return line


def stem(knots: Line, look: Look, root: float, tip: float, count: int = 20) -> tuple[Floats, Mesh]:
    """A smooth stem through knots: its line [count,3] and its mesh."""
    line = spline(knots, count)
    return line, tube(line, np.linspace(root, tip, count), look, sides=6)
