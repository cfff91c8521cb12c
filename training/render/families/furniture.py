"""Furniture: chairs, stools, tables, sofas, shelves, standing lamps."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour, sheer
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import box, ellipsoid, joined, lathe, spline, tube

FRAME = ("wood", "wood", "paint", "metal", "plastic")
COVER = ("fabric", "leather", "wood", "fabric")
CORNERS = [(x, y) for x in (-1, 1) for y in (-1, 1)]


def _legs(chance: Rng, wide: float, deep: float, high: float, look: Look) -> list[Mesh]:
    """Four legs, square, round or tapering, straight or spread."""
    thick, spread, style = (
        chance.uniform(0.02, 0.05),
        chance.uniform(1, 1.12),
        chance.pick(("square", "round", "taper")),
    )
    if style == "square":
        return [
            box((thick * 2, thick * 2, high), look, at=(x * wide, y * deep, high / 2), bevel=0.006) for x, y in CORNERS
        ]
    foot = thick * (0.5 if style == "taper" else 1)
    return [
        tube([[x * wide * spread, y * deep * spread, 0], [x * wide, y * deep, high]], [foot, thick], look)
        for x, y in CORNERS
    ]


def table(chance: Rng) -> SceneObject:
    """A table or stool, round or square."""
    frame, cover = finish(chance, chance.pick(FRAME)), finish(chance, chance.pick(COVER))
    wide, high = chance.pick(((0.33, chance.uniform(0.7, 1.3)), (chance.uniform(0.7, 1.1), 0.9)))
    deep = wide * chance.uniform(0.6, 1)
    parts: list[Part] = []
    if chance.happens(0.4):
        rim = [
            (0.001, high - 0.03),
            (wide * 1.1, high - 0.03),
            (wide * 1.12, high),
            (wide * 1.1, high + 0.04),
            (0.001, high + 0.04),
        ]
        parts.append(lathe(rim, cover))
        wide, deep = wide * 0.65, wide * 0.65
    else:
        parts.append(
            box((2 * wide + 0.1, 2 * deep + 0.1, 0.08), cover, at=(0, 0, high), bevel=chance.uniform(0.005, 0.04))
        )
        wide, deep = wide * 0.95, deep * 0.95
    parts += _legs(chance, wide, deep, high, frame)
    if chance.happens(0.5):
        parts += [tube([[x * wide, -deep, high * 0.4], [x * wide, deep, high * 0.4]], 0.015, frame) for x in (-1, 1)]
    return SceneObject(parts, elevation=(0.05, 0.6))


def chair(chance: Rng) -> SceneObject:
    """A chair with a back of slats, bars, cane or cloth, with or without arms."""
    frame, cover = finish(chance, chance.pick(FRAME)), finish(chance, chance.pick(COVER))
    wide, high, rise, lean = 0.45, 0.85, chance.uniform(0.7, 1.1), chance.uniform(0.05, 0.2)
    deep = wide * chance.uniform(0.7, 1)
    parts: list[Part] = [
        box((2 * wide + 0.1, 2 * deep + 0.1, 0.08), cover, at=(0, 0, high), bevel=chance.uniform(0.005, 0.04))
    ]
    parts += _legs(chance, wide * 0.95, deep * 0.95, high, frame)
    back = deep * 0.95
    parts += [
        tube([[x * wide * 0.95, back, high], [x * wide * 0.95, back + lean, high + rise]], 0.035, frame)
        for x in (-1, 1)
    ]
    tilt = (-lean / rise, 0.0, 0.0)
    match chance.pick(("slats", "panel", "bars", "cane")):
        case "panel":
            parts.append(
                box(
                    (wide * 1.8, 0.06, rise * 0.7),
                    cover,
                    at=(0, back + lean * 0.6, high + rise * 0.62),
                    turn=tilt,
                    bevel=0.03,
                )
            )
        case "slats":
            shares = np.linspace(0.25, 0.97, chance.whole(2, 6))
            parts += [
                box((2 * wide, 0.04, 0.09), frame, at=(0, back + lean * s, high + rise * s), turn=tilt, bevel=0.01)
                for s in shares
            ]
        case style:
            count = chance.whole(5, 14)
            lines = [
                [[x, back, high], [x, back + lean, high + rise]] for x in np.linspace(-wide * 0.9, wide * 0.9, count)
            ]
            if style == "cane":
                shares = np.linspace(0.1, 0.9, 12)
                lines += [
                    [[-wide * 0.95, back + lean * s, high + rise * s], [wide * 0.95, back + lean * s, high + rise * s]]
                    for s in shares
                ]
            parts.append(joined([tube(line, 0.011, frame, sides=8) for line in lines]))
            parts.append(box((2 * wide + 0.06, 0.05, 0.1), frame, at=(0, back + lean, high + rise)))
    if chance.happens(0.4):
        for x in (-1, 1):
            arm = spline(
                [
                    [x * wide, back, high + 0.35],
                    [x * wide * 1.05, -deep * 0.5, high + 0.36],
                    [x * wide, -deep * 0.9, high],
                ],
                20,
            )
            parts.append(tube(arm, 0.03, frame))
    return SceneObject(parts, elevation=(0.05, 0.6), azimuth=(-1.0, 1.0))


def sofa(chance: Rng) -> SceneObject:
    """A sofa or armchair with cushions."""
    frame, cover = (
        finish(chance, chance.pick(FRAME)),
        finish(chance, chance.pick(("fabric", "leather", "fabric", "stripes"))),
    )
    wide, soft = chance.uniform(0.5, 1.4), chance.uniform(0.25, 0.5)
    parts: list[Part] = [
        ellipsoid((wide, 0.5, 0.18), cover, at=(0, 0, 0.35), boxy=(soft, 0.3)),
        ellipsoid((wide, 0.16, 0.45), cover, at=(0, 0.45, 0.65), turn=(-0.15, 0, 0), boxy=(soft, 0.3)),
    ]
    parts += [ellipsoid((0.16, 0.5, 0.33), cover, at=(x * wide, 0, 0.48), boxy=(soft, 0.4)) for x in (-1, 1)]
    parts += _legs(chance, wide * 0.9, 0.38, 0.25, frame)
    for _ in range(chance.whole(0, 3)):
        at = (chance.uniform(-wide * 0.6, wide * 0.6), 0.2, 0.75)
        pillow = finish(chance, chance.pick(("fabric", "stripes", "chequers")))
        parts.append(
            ellipsoid((0.3, 0.12, 0.28), pillow, at=at, turn=(-0.4, 0, chance.uniform(-0.3, 0.3)), boxy=(0.5, 0.4))
        )
    return SceneObject(parts, elevation=(0.05, 0.5))


def shelf(chance: Rng) -> SceneObject:
    """A shelf with books, open at the back."""
    frame = finish(chance, chance.pick(FRAME))
    wide, high, boards = chance.uniform(0.5, 0.9), chance.uniform(1, 1.8), chance.whole(2, 5)
    gap = (high - 0.1) / (boards - 1)
    parts: list[Part] = [box((0.05, 0.4, high), frame, at=(x * wide, 0, high / 2), bevel=0.008) for x in (-1, 1)]
    for board in range(boards):
        level = 0.05 + board * gap
        parts.append(box((2 * wide, 0.4, 0.04), frame, at=(0, 0, level), bevel=0.006))
        x = -wide + 0.1
        while x < wide - 0.15 and board < boards - 1:
            thick, tall = chance.uniform(0.03, 0.12), chance.uniform(0.3, 0.85) * gap
            if chance.happens(0.7):
                at = (x, chance.uniform(-0.05, 0.05), level + 0.02 + tall / 2)
                parts.append(
                    box((thick, 0.25, tall), finish(chance, chance.pick(("plastic", "rough"))), at=at, bevel=0.005)
                )
            x += thick + chance.uniform(0.005, 0.08)
    return SceneObject(parts)


def standing_lamp(chance: Rng) -> SceneObject:
    """A lamp on a pole or on three legs, with a shade of cloth."""
    metal = finish(chance, chance.pick(FRAME))
    high = chance.uniform(1.4, 2)
    shade = (
        sheer(chance, colour(chance, "white"), 0.85)
        if chance.happens(0.4)
        else finish(chance, "fabric", colour(chance, "pastel"))
    )
    parts: list[Part] = [
        lathe(
            [(chance.uniform(0.28, 0.4), high - 0.35), (chance.uniform(0.15, 0.3), high + 0.1)], shade, thickness=0.006
        )
    ]
    if chance.happens(0.5):
        parts += [
            lathe([(0.001, 0), (0.3, 0), (0.3, 0.04), (0.03, 0.06)], metal),
            tube([[0, 0, 0.05], [0, 0, high]], 0.02, metal),
        ]
    else:
        for angle in (0.3, 0.3 + 2 * pi / 3, 0.3 + 4 * pi / 3):
            parts.append(tube([[0.4 * np.cos(angle), 0.4 * np.sin(angle), 0], [0, 0, high - 0.3]], 0.02, metal))
    return SceneObject(parts, elevation=(-0.1, 0.4))
