"""Devices that no training sees: ear buds, hair dryers, routers, game controllers, irons, tripods."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.held_out.shell import shell
from training.render.looks import colour
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    box,
    ellipsoid,
    joined,
    lathe,
    profile,
    ring,
    slab,
    spline,
    tube,
)

STANDING = (0.05, 0.6)


def earbuds(chance: Rng, shade: str) -> SceneObject:
    """Two buds on stems beside or in their open case."""
    case, metal = shell(chance, shade), finish(chance, "metal")
    dark = finish(chance, "rubber", colour(chance, "black"))
    parts: list[Part] = [ellipsoid((0.42, 0.17, 0.3), case, at=(0, 0.35, 0.3), boxy=(0.6, 0.7), fineness=32)]
    if chance.happens(0.6):
        parts.append(ellipsoid((0.42, 0.17, 0.12), case, at=(0, 0.5, 0.68), turn=(-1.0, 0, 0), boxy=(0.6, 0.7)))
    for side in (-1, 1):
        x, lean = side * 0.32, (chance.uniform(-0.4, 0.4), side * 0.2, 0.0)
        stem = tube([[x, -0.3, 0.02], [x, -0.3, 0.38]], [0.038, 0.045], case, sides=16)
        bud = ellipsoid((0.1, 0.085, 0.085), case, at=(x - side * 0.04, -0.32, 0.42), turn=lean, fineness=20)
        tip = ellipsoid((0.05, 0.05, 0.06), dark, at=(x - side * 0.11, -0.36, 0.42), turn=lean, fineness=14)
        parts += [stem, bud, tip, ring(0.039, 0.006, metal, at=(x, -0.3, 0.03), points=20, sides=6)]
    return SceneObject(parts, elevation=(0.2, 0.8))


def hair_dryer(chance: Rng, shade: str) -> SceneObject:
    """A hair dryer, standing on its end, with its cord on the ground."""
    case, black = shell(chance, shade), finish(chance, "plastic", colour(chance, chance.pick(("black", shade))))
    barrel = profile([0, 0.1, 0.7, 1.0], [0.24, 0.26, 0.22, 0.17])
    grip = spline([[0, 0.1, 0.85], [0, 0.12, 0.5], [0, 0.2, 0.05]], 24)
    t = np.linspace(0, 1, 160)[:, None]
    bend = spline(chance.normals(0.35, 6, 2), 160)
    way = (bend - bend[0]) + t * (chance.uniform(-1.2, 1.2), 0.6)
    cord = np.column_stack((way[:, 0], way[:, 1] + 0.2, np.full(160, 0.02)))
    parts: list[Part] = [
        lathe(barrel, case, at=(0, 0.5, 1.0), turn=(pi / 2, 0, 0), thickness=0.015),
        lathe([(0.001, 0), (0.25, 0)], black, at=(0, 0.48, 1.0), turn=(pi / 2, 0, 0)),
        tube(grip, np.linspace(0.1, 0.085, 24), case, sides=20),
        box((0.05, 0.03, 0.14), black, at=(0, 0.0, 0.6), bevel=0.01),
        tube(cord, 0.018, black, sides=8),
    ]
    return SceneObject(parts, elevation=STANDING)


def router(chance: Rng, shade: str) -> SceneObject:
    """A flat box with two to four thin aerials and a cable."""
    case, black = shell(chance, shade), finish(chance, "plastic", colour(chance, "black"))
    count, wide = chance.whole(2, 4), chance.uniform(0.6, 0.8)
    parts: list[Part] = [box((2 * wide, 0.8, 0.18), case, at=(0, 0, 0.1), bevel=0.06)]
    for x in np.linspace(-wide * 0.9, wide * 0.9, count):
        lean = chance.normal(0, 0.2)
        top = (x + lean, 0.45, 0.1 + chance.uniform(0.7, 1.1))
        parts += [tube([(x, 0.42, 0.1), top], [0.035, 0.022], case, sides=12)]
    cable = spline([[0.3, 0.4, 0.08], [0.5, 0.8, 0.03], [1.0, 0.9, 0.02], [1.4, chance.uniform(0, 0.8), 0.02]], 50)
    lights = [ellipsoid((0.015,) * 3, black, at=(x, -0.4, 0.1), fineness=8) for x in np.linspace(-0.2, 0.2, 5)]
    return SceneObject([*parts, tube(cable, 0.018, black), joined(lights)], elevation=(0.15, 0.7))


def gamepad(chance: Rng, shade: str) -> SceneObject:
    """A game controller with sticks, keys and a cable."""
    case, key = shell(chance, shade), finish(chance, "plastic", colour(chance, chance.pick(("black", "grey", "any"))))
    parts: list[Part] = [ellipsoid((0.5, 0.28, 0.12), case, at=(0, 0, 0.2), boxy=(0.8, 0.7), fineness=30)]
    for side in (-1, 1):
        parts.append(ellipsoid((0.17, 0.36, 0.12), case, at=(side * 0.47, -0.2, 0.16), turn=(0.2, 0, side * 0.25)))
        stick = profile([0, 0.05, 0.1, 0.12], [0.05, 0.045, 0.09, 0.001])
        parts.append(lathe(stick, key, at=(side * 0.2, -0.12, 0.28), sides=32))
    keys = [
        lathe([(0.001, 0.03), (0.04, 0.028), (0.042, 0)], key, at=(0.38 + 0.09 * x, 0.06 + 0.09 * y, 0.28))
        for x, y in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    cable = spline(
        [
            [0, 0.25, 0.2],
            [0.05, 0.5, 0.05],
            [chance.uniform(-0.8, 0.8), 0.7, 0.02],
            [chance.uniform(-0.6, 0.6), 1.0, 0.02],
        ],
        60,
    )
    return SceneObject([*parts, joined(keys), tube(cable, 0.016, key, sides=8)], elevation=(0.4, 1.1))


def iron(chance: Rng, shade: str) -> SceneObject:
    """A flat iron: a pointed sole and a handle with a gap beneath it."""
    case, metal = shell(chance, shade), finish(chance, "metal")
    t = np.linspace(0, 1, 24)
    half = 0.28 * np.sqrt(1 - t**2.2)
    rim = np.concatenate([np.column_stack((half, 1.1 * t - 0.5)), np.column_stack((-half, 1.1 * t - 0.5))[::-1]])
    parts: list[Part] = [slab(rim, 0.0, 0.05, metal, bevel=0.015), slab(rim * 0.94, 0.05, 0.2, case, bevel=0.015)]
    handle = spline([[0, -0.42, 0.15], [0, -0.4, 0.5], [0, -0.1, 0.58], [0, 0.2, 0.5], [0, 0.42, 0.2]], 40)
    cord = spline(
        [
            [0, -0.42, 0.5],
            [chance.uniform(-0.4, 0.4), -0.8, 0.4],
            [0.4, -1.0, 0.03],
            [chance.uniform(0.4, 1), -0.6, 0.02],
        ],
        60,
    )
    return SceneObject(
        [*parts, tube(handle, 0.06, case, flat=1.2, sides=18), tube(cord, 0.018, case, sides=8)],
        elevation=(0.15, 0.6),
        azimuth=(0.6, 2.4),
    )


def tripod(chance: Rng, shade: str) -> SceneObject:
    """A tripod with braces and a pan handle."""
    paint, high = shell(chance, shade), chance.uniform(1.0, 1.4)
    bars: list[Mesh] = []
    for angle in (0.4, 0.4 + 2 * pi / 3, 0.4 + 4 * pi / 3):
        out = np.array([cos(angle), sin(angle), 0.0])
        foot, hip = 0.55 * out, 0.08 * out + (0, 0, high)
        bars += [tube([foot, (foot + hip) / 2], 0.018, paint), tube([(foot + hip) / 2, hip], 0.027, paint)]
        bars.append(tube([(foot * 0.6 + hip * 0.4), (0, 0, high * 0.45)], 0.01, paint, sides=6))
    parts: list[Part] = [
        joined(bars),
        tube([[0, 0, high * 0.4], [0, 0, high + 0.25]], 0.025, paint),
        box((0.2, 0.14, 0.09), paint, at=(0, 0, high + 0.28), bevel=0.02),
        tube([[0, 0, high + 0.22], [0.2, -0.45, high + 0.05]], 0.014, paint),
    ]
    return SceneObject(parts, elevation=(0.0, 0.4))
