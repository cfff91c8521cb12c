"""Things to wear and to play that no training sees: guitars, tiaras, belts."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.held_out.shell import shell
from training.render.looks import colour
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    Place,
    around,
    box,
    ellipsoid,
    joined,
    lathe,
    offset,
    slab,
    spline,
    tube,
)


def guitar(chance: Rng, shade: str) -> SceneObject:
    """A guitar, leaning, with its strings."""
    top, neck, metal = shell(chance, shade), finish(chance, "wood"), finish(chance, "metal")
    a = np.linspace(0, 2 * pi, 72, endpoint=False)
    r = 0.42 + 0.1 * np.cos(2 * a) - 0.05 * np.sin(a) + 0.06 * np.cos(a)
    body = slab(np.column_stack((r * np.sin(a) * 0.9, r * np.cos(a) * 1.25)), -0.09, 0.18, top, bevel=0.015)
    dark = finish(chance, "plastic", colour(chance, "black"))
    parts: list[Mesh] = [
        body,
        lathe([(0.001, 0.093), (0.14, 0.093)], dark, at=(0, 0.05, 0)),
        box((0.3, 0.06, 0.04), neck, at=(0, -0.3, 0.1)),
        box((0.12, 1.2, 0.05), neck, at=(0, 1.0, 0.09), bevel=0.01),
        box((0.17, 0.3, 0.04), neck, at=(0, 1.72, 0.08), bevel=0.02),
    ]
    parts.append(
        joined([tube([[x, -0.3, 0.13], [x, 1.65, 0.125]], 0.003, metal, sides=5) for x in np.linspace(-0.05, 0.05, 6)])
    )
    pegs = [
        ellipsoid((0.05, 0.02, 0.02), metal, at=(side * 0.13, 1.62 + 0.09 * n, 0.08), fineness=10)
        for side in (-1, 1)
        for n in range(3)
    ]
    upright = np.array([[1.0, 0, 0], [0, 0.2, -0.98], [0, 0.98, 0.2]])
    return SceneObject(
        [part.moved(upright) for part in [*parts, joined(pegs)]], elevation=(0.0, 0.4), azimuth=(-0.7, 0.7)
    )


def tiara(chance: Rng, shade: str) -> SceneObject:
    """A hair band of wire with points and stones."""
    metal, stone = finish(chance, "metal"), finish(chance, "ceramic", colour(chance, shade))
    t = np.linspace(-1.9, 1.9, 90)
    band = np.column_stack((0.7 * np.sin(t), -0.7 * np.cos(t) * 0.9, np.full(90, 0.08)))
    parts: list[Part] = [tube(band, 0.018, metal)]
    wires, stones = [], []
    for number, angle in enumerate(np.linspace(-1.1, 1.1, chance.pick((7, 9, 11)))):
        high = (0.45 - 0.25 * abs(angle)) * (1.0 if number % 2 == 0 else 0.7)
        foot = np.array([0.7 * sin(angle), -0.63 * cos(angle), 0.08])
        side = np.array([cos(angle), 0.9 * sin(angle), 0.0]) * 0.08
        tip = offset(foot, 0, 0, high)
        for way in (side, -side):
            bent = spline([foot + way, offset(foot + 0.6 * way, 0, 0, high * 0.6), tip], 12)
            wires.append(tube(bent, 0.009, metal, sides=6))
        stones.append(ellipsoid((0.035,) * 3, stone, at=offset(tip, 0, 0, 0.03), fineness=12))
    return SceneObject([*parts, joined(wires), joined(stones)], elevation=(0.05, 0.5), azimuth=(-0.6, 0.6))


def belt(chance: Rng, shade: str) -> SceneObject:
    """A belt rolled up, with its buckle."""
    strap = finish(chance, chance.pick(("leather", "fabric")), colour(chance, shade))
    metal, turns = finish(chance, "metal"), chance.uniform(1.3, 2.6)
    t = np.linspace(0, 2 * pi * turns, 200)
    r = 0.25 + 0.06 * t / (2 * pi) + 0.05 * t
    path = np.column_stack((r * np.cos(t), r * np.sin(t), np.full(200, 0.13)))
    end = _place(path[-1])
    along = float(np.arctan2(*(path[-1] - path[-3])[[1, 0]]))
    frame = around(0.16, 4) * (0.9, 1, 1)
    buckle = tube(frame, 0.02, metal, closed=True, sides=8)
    stand = np.array([[cos(along), 0.0, -sin(along)], [sin(along), 0.0, cos(along)], [0.0, 1.0, 0.0]])
    return SceneObject(
        [tube(path, 0.112, strap, flat=1 / 7, sides=16), buckle.moved(stand, end)], elevation=(0.25, 0.9)
    )


def _place(point: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Place:
    return tuple(float(each) for each in point)
