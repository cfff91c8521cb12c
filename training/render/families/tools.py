"""Tools and cutlery, alone or in a row."""

from collections.abc import Callable
from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.fur import bristles
from training.render.looks import Look, colour, fibres
from training.render.rng import Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import UPRIGHT, box, ellipsoid, lathe, profile, ring, spline, tube, turning


def tools(chance: Rng) -> SceneObject:
    """One to four tools, leaning a little each."""
    metal = finish(chance, chance.pick(("metal", "brushed")))
    grip = finish(chance, chance.pick(("wood", "plastic", "rubber", "paint")))
    count = chance.pick((1, 1, 2, 3, 4))
    parts: list[Part] = []
    for number in range(count):
        tilt = chance.uniform(-0.5, 0.5) if count == 1 else chance.uniform(-0.12, 0.12)
        one = chance.pick(KINDS)(chance, metal, grip)
        parts += [part.moved(np.eye(3), (0, 0, -0.9)).moved(turning(y=tilt), (number * 0.75, 0, 0.9)) for part in one]
    return SceneObject(parts, elevation=(0.0, 0.5), azimuth=(-0.5, 0.5))


def brush(chance: Rng) -> SceneObject:
    """A brush or broom with bristles."""
    grip = finish(chance, chance.pick(("wood", "plastic", "paint")))
    wide, high = chance.uniform(0.1, 0.4), 1.4
    block = box((2 * wide, 0.1, 0.14), grip, at=(0, 0, 0.35))
    stick = tube([[0, 0, 0.4], [0, 0, high]], 0.04, grip)
    count = chance.whole(1200, 3500)
    roots = np.column_stack(
        (chance.uniforms(-wide * 0.95, wide * 0.95, count), chance.uniforms(-0.045, 0.045, count), np.full(count, 0.29))
    )
    spread = np.column_stack((roots[:, 0] * chance.uniform(0, 1.5), chance.normals(0.12, count), np.full(count, -1.0)))
    hairs = bristles(
        chance, roots, spread, fibres(colour(chance)), length=chance.uniform(0.15, 0.35), radius=0.0035, wander=0.004
    )
    return SceneObject([block, stick, hairs], azimuth=(-0.8, 0.8))


def _driver(chance: Rng, metal: Look, grip: Look) -> list[Part]:
    handle = profile([0, 0.03, 0.15, 0.4, 0.6, 0.68], [0.001, 0.1, 0.12, 0.09, 0.12, 0.05], 40)
    blade = box((0.1, 0.03, 0.12), metal, at=(0, 0, 1.72), bevel=0.01)
    return [lathe(handle, grip, ribs=0.05), tube([[0, 0, 0.65], [0, 0, chance.uniform(1.5, 1.7)]], 0.035, metal), blade]


def _hammer(_chance: Rng, metal: Look, grip: Look) -> list[Part]:
    face = lathe(
        [(0.001, 0), (0.14, 0), (0.14, 0.12), (0.1, 0.14)], metal, sides=40, at=(0.5, 0, 1.5), turn=(0, -pi / 2, 0)
    )
    head = box((0.75, 0.18, 0.2), metal, at=(0.05, 0, 1.5), bevel=0.04)
    return [tube([[0, 0, 0], [0, 0, 1.5]], [0.08, 0.055], grip, flat=0.7), head, face]


def _cutlery(chance: Rng, metal: Look, _grip: Look) -> list[Part]:
    t = np.linspace(0, 1, 40)
    width = np.interp(t, [0, 0.1, 0.5, 1], [0.02, 0.06, 0.03, 0.025])
    parts: list[Part] = [tube(np.stack([0 * t, 0.05 * np.sin(t * 5), t * 1.2], -1), width, metal, flat=0.3)]
    match chance.pick(("spoon", "knife", "fork", "fork")):
        case "spoon":
            parts.append(ellipsoid((0.2, 0.06, 0.3), metal, at=(0, 0, 1.42)))
        case "knife":
            parts.append(box((0.12, 0.02, 0.9), metal, at=(0.02, 0, 1.6), turn=(0, 0.03, 0), bevel=0.009))
        case _:
            parts.append(box((0.26, 0.03, 0.25), metal, at=(0, -0.04, 1.28), bevel=0.012))
            prongs = (-0.11, -0.037, 0.037, 0.11)
            parts += [tube([[x, -0.04, 1.35], [x * 1.1, 0, 1.8]], [0.03, 0.012], metal, flat=0.5) for x in prongs]
    return parts


def _scissors(chance: Rng, metal: Look, grip: Look) -> list[Part]:
    wide = chance.uniform(0.1, 0.5)
    screw = lathe([(0.05, 0), (0.05, 0.05), (0.001, 0.06)], metal, sides=24, at=(0, -0.03, 0.9), turn=UPRIGHT)
    parts: list[Part] = [screw]
    for side in (-1, 1):
        blade = [[side * wide * 0.5, side * 0.02, 1.7], [0, side * 0.02, 0.9], [-side * 0.12, side * 0.02, 0.6]]
        parts.append(tube(blade, [0.01, 0.07, 0.05], metal, flat=0.25))
        parts.append(ring(0.2, 0.045, grip, at=(-side * 0.22, 0, 0.38), turn=(pi / 2, 0, side * 0.2), wide=0.8))
    return parts


def _key(chance: Rng, metal: Look, _grip: Look) -> list[Part]:
    bits: list[Part] = [
        box((chance.uniform(0.1, 0.25), 0.04, 0.08), metal, at=(0.12, 0, z), bevel=0.01) for z in (1.2, 1.32, 1.45)
    ]
    return [
        ring(0.25, 0.05, metal, at=(0, 0, 0.3), turn=UPRIGHT),
        tube([[0, 0, 0.53], [0, 0, 1.5]], 0.05, metal),
        *bits,
    ]


def _pencil(chance: Rng, metal: Look, grip: Look) -> list[Part]:
    curve = [(0.001, 0), (0.06, 0), (0.06, 1.5), (0.012, 1.72), (0.001, 1.75)]
    body = lathe(curve, grip, sides=chance.pick((6, 32)), smooth=False)
    return [body, ring(0.062, 0.012, metal, at=(0, 0, 0.1))]


def _pliers(chance: Rng, metal: Look, grip: Look) -> list[Part]:
    wide = chance.uniform(0.15, 0.4)
    parts: list[Part] = []
    for side in (-1, 1):
        arm = spline([[side * wide, 0, 0], [side * wide * 0.9, 0, 0.5], [side * 0.05, 0, 0.95]], 24)
        parts.append(tube(arm, 0.06, grip, flat=0.7))
        parts.append(
            tube(
                spline([[side * 0.05, 0, 0.9], [-side * 0.1, 0, 1.1], [-side * 0.03 - side * wide * 0.2, 0, 1.5]], 16),
                np.linspace(0.08, 0.02, 16),
                metal,
                flat=0.6,
            )
        )
    return [*parts, lathe([(0.08, 0), (0.08, 0.14), (0.001, 0.15)], metal, sides=24, at=(0, 0.07, 0.98), turn=UPRIGHT)]


KINDS: tuple[Callable[[Rng, Look, Look], list[Part]], ...] = (
    _driver, _hammer, _cutlery, _cutlery, _scissors, _key, _pencil, _pliers,
)  # fmt: skip
