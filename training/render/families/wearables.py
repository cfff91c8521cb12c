"""Shoes, bags and hats."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.labels import label
from training.render.looks import Look, colour, printed
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    UPRIGHT,
    box,
    ellipsoid,
    joined,
    lathe,
    panel,
    profile,
    ring,
    slab,
    spline,
    surface,
    tube,
)

HEEL_TO_TOE = np.linspace(0, 1, 28)
WIDTH = np.interp(HEEL_TO_TOE, [0, 0.08, 0.3, 0.6, 0.8, 0.93, 1], [0.1, 0.16, 0.155, 0.2, 0.21, 0.15, 0.06])
HEIGHT = np.interp(HEEL_TO_TOE, [0, 0.05, 0.3, 0.45, 0.65, 0.85, 1], [0.42, 0.5, 0.46, 0.4, 0.25, 0.18, 0.1])


def shoes(chance: Rng) -> SceneObject:
    """A shoe or a pair, laced."""
    return _one_or_two(chance, boot=False)


def boots(chance: Rng) -> SceneObject:
    """A boot or a pair."""
    return _one_or_two(chance, boot=True)


def _one_or_two(chance: Rng, *, boot: bool) -> SceneObject:
    looks = _shoe_looks(chance)
    parts = _shoe(chance, 0.0, 1, looks, boot=boot)
    if chance.happens(0.5):
        parts += _shoe(chance, 0.6, -1, looks, boot=boot)
    return SceneObject(parts)


def _shoe_looks(chance: Rng) -> tuple[Look, Look, Look]:
    return (
        finish(chance, chance.pick(("leather", "fabric", "paint", "rough"))),
        finish(chance, chance.pick(("rubber", "plastic"))),
        finish(chance, chance.pick(("fabric", "leather", "plastic"))),
    )


def _shoe(chance: Rng, x: float, side: int, looks: tuple[Look, Look, Look], *, boot: bool) -> list[Part]:
    upper, sole, lace = looks
    bend, y = side * 0.05 * np.sin(HEEL_TO_TOE * pi * 1.2), 0.55 - HEEL_TO_TOE * 1.3
    angle = np.linspace(0, 2 * pi, 32, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    across = WIDTH[:, None] * np.sign(c) * np.abs(c) ** 0.8 + bend[:, None] + x
    above = 0.08 + np.where(s > 0, HEIGHT[:, None] * np.abs(s) ** 0.75, 0)
    body = surface(
        np.stack([across, np.repeat(y[:, None], 32, 1), above], -1), upper, columns_close=True, capped=True, subdivide=1
    )
    parts: list[Part] = [body, _sole(chance, x, bend, y, sole)]
    parts.append(ring(0.13, 0.03, lace, at=(x, 0.33, 1.0 if boot else 0.55), turn=(-0.25, 0, 0), wide=0.85))
    if boot:
        shaft = profile([0.4, 0.6, 0.8, 1.0], [0.17, 0.15, 0.16, 0.17], 20)
        parts.append(lathe(shaft, upper, at=(x, 0.33, 0), thickness=0.02))
    else:
        hollow = finish(chance, "rough", colour(chance, "black"))
        parts.append(ellipsoid((0.115, 0.15, 0.03), hollow, at=(x, 0.33, 0.56), turn=(-0.25, 0, 0), fineness=16))
    return [*parts, *_laces(chance, x, lace)]


def _sole(
    chance: Rng,
    x: float,
    bend: np.ndarray[tuple[int], np.dtype[np.float64]],
    y: np.ndarray[tuple[int], np.dtype[np.float64]],
    look: Look,
) -> Mesh:
    rim = np.concatenate(
        [np.stack([WIDTH * 1.08 + bend + x, y * 1.03], -1), np.stack([bend - WIDTH * 1.08 + x, y * 1.03], -1)[::-1]]
    )
    return slab(rim, 0.0, chance.uniform(0.09, 0.16), look, bevel=0.02)


def _laces(chance: Rng, x: float, look: Look) -> list[Part]:
    laces = []
    for row in range(5):
        y = 0.12 - row * 0.075
        z = 0.08 + float(np.interp((0.55 - y) / 1.3, HEEL_TO_TOE, HEIGHT))
        laces.append(
            tube(
                spline([[x - 0.1, y, z - 0.05], [x, y - 0.02, z + 0.015], [x + 0.1, y + 0.03, z - 0.05]], 12),
                0.013,
                look,
                flat=0.6,
            )
        )
    for side in (-1, 1) if chance.happens(0.7) else ():
        bow = [
            [x, 0.14, 0.53],
            [x + side * 0.15, 0.1, 0.62],
            [x + side * 0.22, 0.02, 0.45],
            [x + side * 0.05, 0.1, 0.5],
        ]
        laces.append(tube(spline(bow, 24), 0.012, look))
    return [joined(laces)]


def bag(chance: Rng) -> SceneObject:
    """A hand bag or a printed tote with two handles."""
    skin, strap = (
        finish(chance, chance.pick(("leather", "fabric", "paint", "rough"))),
        finish(chance, chance.pick(("fabric", "leather"))),
    )
    metal = finish(chance, "metal")
    wide, deep, half = chance.uniform(0.5, 0.7), chance.uniform(0.15, 0.3), chance.uniform(0.4, 0.7)
    boxy = (chance.uniform(0.25, 0.5), chance.uniform(0.3, 0.6))
    parts: list[Part] = [ellipsoid((wide, deep, half), skin, at=(0, 0, half), boxy=boxy, fineness=40)]
    t, rise = np.linspace(0, pi, 40), chance.uniform(0.4, 0.8)
    for side in (-1, 1):
        handle = np.stack([wide * 0.55 * np.cos(t), side * deep * 0.6 + 0 * t, 1.8 * half + rise * np.sin(t)], -1)
        parts.append(tube(handle, 0.035, strap, flat=0.4))
        parts += [
            ring(0.05, 0.013, metal, at=(x * wide * 0.55, side * deep * 0.7, 1.8 * half), turn=UPRIGHT, points=24)
            for x in (-1, 1)
        ]
    if chance.happens(0.5):
        flap = ellipsoid(
            (wide * 0.97, deep * 0.5, half * 0.45), skin, at=(0, -deep * 0.62, half * 1.5), boxy=(0.3, 0.4)
        )
        parts += [flap, box((0.14, 0.05, 0.1), metal, at=(0, -deep * 1.15, half * 1.2))]
    else:
        parts.append(panel(wide * 1.3, half * 0.9, printed(label(chance), 0.8), at=(0, -deep * 1.03, half)))
    return SceneObject(parts)


def backpack(chance: Rng) -> SceneObject:
    """A backpack with pockets, straps and a loop."""
    cloth, trim = (
        finish(chance, chance.pick(("fabric", "leather", "plastic"))),
        finish(chance, chance.pick(("fabric", "leather"))),
    )
    parts: list[Part] = [
        ellipsoid((0.45, 0.26, 0.65), cloth, at=(0, 0, 0.65), boxy=(0.4, 0.5), fineness=36),
        ellipsoid((0.34, 0.14, 0.27), cloth if chance.happens(0.5) else trim, at=(0, -0.22, 0.4), boxy=(0.4, 0.4)),
        tube(spline([[-0.1, 0.1, 1.25], [0, 0.08, 1.42], [0.1, 0.1, 1.25]], 20), 0.02, trim),
    ]
    for x in (-0.22, 0.22):
        line = spline([[x, 0.2, 1.2], [x * 1.4, 0.45, 0.95], [x * 1.5, 0.4, 0.5], [x * 1.2, 0.2, 0.15]], 30)
        parts.append(tube(line, 0.05, trim, flat=0.25))
    zip_ = np.linspace(-0.2, pi + 0.2, 40)
    parts.append(
        tube(
            np.stack([0.42 * np.cos(zip_), np.full(40, -0.17), 0.75 + 0.45 * np.sin(zip_)], -1),
            0.012,
            finish(chance, "metal"),
        )
    )
    return SceneObject(parts, azimuth=(-1.4, 1.4))


def hat(chance: Rng) -> SceneObject:
    """A hat with a band."""
    felt = finish(chance, chance.pick(("fabric", "rough", "leather")))
    curve = profile(
        [0, 0.02, 0.03, 0.05, 0.3, 0.5, 0.53], [chance.uniform(0.6, 1), 0.6, 0.45, 0.42, 0.4, 0.3, 0.001], 60
    )
    return SceneObject(
        [lathe(curve, felt, thickness=0.02), ring(0.43, 0.035, finish(chance, "fabric"), at=(0, 0, 0.08), flat=2)]
    )
