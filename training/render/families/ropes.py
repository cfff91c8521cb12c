"""Ropes, cables and yarn."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.fur import fur
from training.render.looks import colour, fibres
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import frames, spline, tube, unit

POINTS = 500
T = np.linspace(0, 1, POINTS)


def rope(chance: Rng) -> SceneObject:
    """A laid rope of strands, coiled, knotted or hanging, with fibres that stand off."""
    path = chance.pick((_coil, _knot, _loose))(chance)
    radius, strands = chance.uniform(0.035, 0.07), chance.pick((3, 3, 4))
    look = finish(chance, chance.pick(("fabric", "rough", "plastic", "stripes")))
    _, normal, other = frames(path)
    twist = T * float(np.linalg.norm(np.diff(path, axis=0), axis=1).sum()) / radius / 6
    laid: list[Mesh] = []
    for strand in range(strands):
        phase = (twist + 2 * pi * strand / strands)[:, None]
        laid.append(
            tube(path + radius * (np.cos(phase) * normal + np.sin(phase) * other), radius * 0.85, look, sides=8)
        )
    return SceneObject([*laid, *_fluff(chance, laid)], elevation=(-0.1, 0.6))


def cable(chance: Rng) -> SceneObject:
    """A cable with plugs."""
    path, look = _loose(chance), finish(chance, chance.pick(("rubber", "plastic")))
    black = finish(chance, "plastic", colour(chance, "black"))
    parts: list[Part] = [tube(path, chance.uniform(0.02, 0.04), look, sides=8)]
    for end, before in ((path[0], path[4]), (path[-1], path[-5])):
        parts.append(tube([end, end + unit(end - before) * 0.2], 0.06, black, sides=14))
    return SceneObject(parts)


def yarn(chance: Rng) -> SceneObject:
    """A ball of wool with its loose end."""
    turns, count = chance.whole(40, 70), 3000
    axis = unit(spline(chance.normals(1, 9, 3), count))
    side = unit(np.cross(axis, [0.1, 0.2, 1.0]))
    angle = (np.linspace(0, 1, count) * turns * 2 * pi)[:, None]
    path = 0.6 * (side * np.cos(angle) + np.cross(axis, side) * np.sin(angle)) + (0, 0, 0.6)
    look = finish(chance, chance.pick(("fabric", "rough", "stripes")))
    ball = tube(path, 0.02, look, sides=6)
    tail = spline([path[-1], path[-1] * (1.3, 1.3, 0) + (0, 0, 0.02), path[-1] * (1.6, 2.2, 0) + (0.3, 0, 0.02)], 40)
    return SceneObject([ball, tube(tail, 0.02, look, sides=6), *_fluff(chance, [ball])])


def _fluff(chance: Rng, on: list[Mesh]) -> list[Part]:
    if chance.happens(0.25):
        return []
    look = fibres(colour(chance, "earth"))
    return [
        fur(
            chance,
            on,
            look,
            count=chance.whole(1000, 5000),
            length=chance.uniform(0.03, 0.08),
            radius=0.001,
            mess=0.9,
            droop=0.1,
            clumps=0,
        )
    ]


def _coil(chance: Rng) -> Floats:
    turns = chance.whole(3, 7)
    angle = T * turns * 2 * pi
    radius = 0.5 + 0.12 * T
    return np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), 0.08 + T * turns * 0.11 + 0.03 * np.sin(3 * angle)], -1
    )


def _knot(_chance: Rng) -> Floats:
    a = T * 2 * pi * 0.97
    return np.stack(
        [0.35 * (np.sin(a) + 2 * np.sin(2 * a)), 0.3 * np.sin(3 * a), 1 + 0.35 * (np.cos(a) - 2 * np.cos(2 * a))], -1
    )


def _loose(chance: Rng) -> Floats:
    way = spline(chance.normals(1, chance.whole(8, 14), 3) * (1, 1, 0.5), POINTS)
    path: Floats = np.cumsum(way, 0) * 0.012
    return path - path.min(0)
