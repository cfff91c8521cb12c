"""Toy vehicles: smooth painted bodies on wheels."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour
from training.render.rng import Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import box, ellipsoid, lathe, ring, surface, tube

WINDOW = (0.02, 0.03, 0.04)


def vehicle(chance: Rng) -> SceneObject:
    """A car, truck or bus."""
    paint, window = finish(chance, "paint"), finish(chance, "plastic", WINDOW)
    wide, long, radius = chance.uniform(0.35, 0.5), chance.uniform(0.8, 1.2), chance.uniform(0.15, 0.22)
    body = ellipsoid((wide, long, 0.22), paint, at=(0, 0, radius + 0.18), boxy=(0.35, 0.35), fineness=40)
    kind = chance.pick(("car", "truck", "bus"))
    share, high = {"car": (0.5, 0.25), "truck": (0.28, 0.45), "bus": (0.9, 0.45)}[kind]
    y = -long * 0.6 if kind == "truck" else 0.05
    cabin = ellipsoid((wide * 0.88, long * share, high), paint, at=(0, y, radius + 0.42), boxy=(0.4, 0.35), fineness=36)
    panes = ellipsoid(
        (wide * 0.9, long * share * 0.87, 0.14), window, at=(0, y, radius + 0.5), boxy=(0.3, 0.3), fineness=36
    )
    parts: list[Part] = [body, cabin, panes, *_wheels(chance, wide, long, radius)]
    if kind == "truck":
        parts.append(box((wide * 1.9, long * 1.2, 0.6), finish(chance), at=(0, long * 0.35, radius + 0.55), bevel=0.03))
    white = finish(chance, "plastic", colour(chance, "white"))
    parts += [
        ellipsoid((0.07, 0.03, 0.06), white, at=(x * wide * 0.65, -long * 0.98, radius + 0.22), fineness=14)
        for x in (-1, 1)
    ]
    return SceneObject(parts)


def _wheels(chance: Rng, wide: float, long: float, radius: float) -> list[Part]:
    tyre, hub = finish(chance, "rubber", colour(chance, "black")), finish(chance, "metal")
    parts: list[Part] = []
    for side in (-1, 1):
        for end in (-1, 1):
            at = (side * (wide + 0.02), end * long * 0.62, radius)
            cap = [(0.001, 0.06), (radius * 0.3, 0.07), (radius * 0.62, 0.03), (radius * 0.65, -0.05)]
            parts.append(ring(radius * 0.75, radius * 0.3, tyre, at=at, turn=(0, pi / 2, 0), points=40))
            parts.append(lathe(cap, hub, sides=24, at=at, turn=(0, side * pi / 2, 0)))
    return parts


def plane(chance: Rng) -> SceneObject:
    """A toy plane with a propeller."""
    paint, dark = finish(chance, "paint"), finish(chance, "plastic", WINDOW)
    wings: Look = finish(chance, chance.pick(("paint", "stripes", "wood")))
    parts: list[Part] = [
        ellipsoid((0.28, 1.1, 0.28), paint, at=(0, 0, 0.4), boxy=(0.8, 0.8), fineness=36),
        ellipsoid((0.2, 0.3, 0.2), dark, at=(0, -0.25, 0.62), fineness=20),
        box((2.6, 0.4, 0.05), wings, at=(0, -0.1, 0.45)),
        box((0.9, 0.25, 0.04), wings, at=(0, 0.95, 0.5), bevel=0.015),
        box((0.04, 0.3, 0.4), wings, at=(0, 1.0, 0.65), bevel=0.015),
    ]
    spin = chance.uniform(0, pi)
    parts += [box((0.08, 0.02, 0.9), dark, at=(0, -1.12, 0.4), turn=(0, spin + a, 0), bevel=0.01) for a in (0, pi / 2)]
    return SceneObject([*parts, *_wheels(chance, 0.3, 0.5, 0.14)])


def boat(chance: Rng) -> SceneObject:
    """A sailing boat: hull, mast, sails and shrouds."""
    hull_look, wood = finish(chance, chance.pick(("paint", "wood", "stripes"))), finish(chance, "wood")
    along, around = np.meshgrid(np.linspace(-1, 1, 40), np.linspace(0, pi, 20), indexing="ij")
    beam = 0.32 * (1 - np.abs(along) ** 2.5)
    hull = np.stack([along * 1.0, beam * np.cos(around), 0.3 - (0.3 * (1 - along**4)) * np.sin(around)], -1)
    deck = surface(np.stack([along * 0.98, beam * 0.95 * np.cos(around), np.full_like(along, 0.28)], -1), wood)
    t, s = np.meshgrid(np.linspace(0, 1, 14), np.linspace(0, 1, 14), indexing="ij")
    cloth = finish(
        chance, chance.pick(("fabric", "stripes", "plastic")), colour(chance, chance.pick(("white", "any", "pastel")))
    )
    belly = 0.15 * np.sin(pi * s) * np.sin(pi * t)
    sail = surface(np.stack([0.05 + s * (1 - t) * 0.8, belly, 0.45 + 1.3 * t], -1), cloth, thickness=0.004)
    jib = surface(np.stack([-0.05 - s * (1 - t) * 0.75, belly, 0.4 + 1.2 * t], -1), cloth, thickness=0.004)
    rope = finish(chance, "fabric", colour(chance, "earth"))
    stays = [tube([[x, 0, 0.3], [0, 0, 1.85]], 0.004, rope, sides=5) for x in (-0.95, 0.95)]
    mast = tube([[0, 0, 0.2], [0, 0, 1.9]], 0.022, wood)
    return SceneObject([surface(hull, hull_look, thickness=0.02), deck, mast, sail, jib, *stays], azimuth=(-0.8, 0.8))
