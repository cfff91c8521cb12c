"""Food: fruit, cakes, burgers, mushrooms, bananas."""

from dataclasses import replace
from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.foliage import Foliage
from training.render.looks import Look, Pattern, colour, darker
from training.render.rng import Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import ellipsoid, joined, lathe, offset, profile, spline, tube

FRUIT: dict[str, tuple[tuple[float, float, float], tuple[float, ...], tuple[float, ...]]] = {
    "apple": ((0.55, 0.05, 0.03), (0, 0.03, 0.2, 0.5, 0.58, 0.52), (0.02, 0.15, 0.32, 0.34, 0.15, 0.001)),
    "pear": ((0.4, 0.45, 0.05), (0, 0.05, 0.25, 0.5, 0.8, 0.85), (0.05, 0.22, 0.34, 0.25, 0.13, 0.001)),
    "orange": ((0.85, 0.3, 0.02), (0, 0.06, 0.3, 0.54, 0.6), (0.001, 0.2, 0.32, 0.2, 0.001)),
    "lemon": ((0.9, 0.7, 0.05), (0, 0.05, 0.15, 0.35, 0.55, 0.65, 0.7), (0.001, 0.06, 0.2, 0.27, 0.2, 0.06, 0.001)),
    "aubergine": ((0.04, 0.01, 0.05), (0, 0.05, 0.3, 0.7, 1, 1.05), (0.001, 0.15, 0.26, 0.18, 0.12, 0.001)),
    "pumpkin": ((0.8, 0.25, 0.02), (0, 0.02, 0.2, 0.4, 0.5, 0.46), (0.05, 0.3, 0.5, 0.42, 0.2, 0.001)),
}


def fruit(chance: Rng) -> SceneObject:
    """One to four fruits, some with a leaf."""
    parts: list[Part] = []
    leaves = Foliage(finish(chance, "plastic", (0.05, 0.2, 0.03)))
    for number in range(chance.whole(1, 4)):
        name = chance.pick(list(FRUIT))
        tone, heights, radii = FRUIT[name]
        skin = Look(
            (tone, darker(tone, chance.uniform(0.6, 1)), (tone[0] * 0.9, min(1.0, tone[1] * 2 + 0.1), tone[2])),
            pattern=Pattern.CLOUDS, scale=chance.uniform(2, 6), shift=(chance.uniform(0, 9), 0, 0), subsurface=0.1,
            roughness=(0.2, 0.45), bump=0.15, bump_scale=90 if name in {"orange", "lemon"} else 8,
        )  # fmt: skip
        at = (number * 0.62, chance.uniform(-0.25, 0.25), 0.0)
        ribs = 0.08 if name == "pumpkin" else chance.uniform(0, 0.015)
        parts.append(lathe(profile(heights, radii, 40), skin, at=at, ribs=ribs))
        top = np.array([at[0], at[1], max(heights)])
        lean = chance.uniform(-0.1, 0.1)
        stalk = spline([offset(top, 0, 0, -0.06), offset(top, 0.02, 0, 0.06), offset(top, lean, 0, 0.15)], 8)
        parts.append(tube(stalk, 0.015, finish(chance, "rough", (0.1, 0.06, 0.02)), sides=8))
        if chance.happens(0.4):
            leaves.leaf(top, (1, chance.uniform(-1, 1), 0.5), length=0.25, width=0.07)
    return SceneObject([*parts, *leaves.mesh])


def bananas(chance: Rng) -> SceneObject:
    """One to four bananas."""
    skin = finish(chance, "rough", (0.8, 0.6, 0.05))
    skin = replace(skin, bump=0.1)
    t = np.linspace(-0.9, 0.9, 30)
    width = np.interp(
        np.linspace(0, 1, 30), [0, 0.06, 0.2, 0.5, 0.85, 0.97, 1], [0.03, 0.04, 0.09, 0.11, 0.09, 0.04, 0.03]
    )
    parts: list[Part] = []
    for number in range(chance.whole(1, 4)):
        bend = t * chance.uniform(0.9, 1.1)
        line = np.stack([0.8 * np.sin(bend), number * 0.17 + 0 * t, 1.1 - 0.8 * np.cos(bend)], -1)
        parts.append(tube(line, width, skin, sides=6, subdivide=1))
    return SceneObject(parts)


def cake(chance: Rng) -> SceneObject:
    """A layered cake with things on it, or a burger."""
    level, radius = 0.0, chance.uniform(0.45, 0.65)
    parts: list[Part] = []
    for _ in range(chance.whole(2, 6)):
        high, r = chance.uniform(0.06, 0.25), radius * chance.uniform(0.93, 1.06)
        look = finish(
            chance,
            chance.pick(("rough", "ceramic", "speckle")),
            colour(chance, chance.pick(("earth", "pastel", "any", "white"))),
        )
        edge = [
            (0.001, level),
            (r * 0.97, level),
            (r, level + high * 0.2),
            (r, level + high * 0.8),
            (r * 0.96, level + high),
            (0.001, level + high),
        ]
        parts.append(lathe(edge, look, ribs=chance.pick((0.0, chance.uniform(0, 0.04)))))
        level += high
    if chance.happens(0.3):
        return SceneObject(
            [*parts, ellipsoid((radius, radius, 0.3), finish(chance, "rough", (0.5, 0.25, 0.07)), at=(0, 0, level))]
        )
    berry = finish(chance, "ceramic", colour(chance, "any"))
    angles = np.linspace(0, 2 * pi, chance.whole(5, 13), endpoint=False)
    parts.append(
        joined(
            [
                ellipsoid(
                    (0.07, 0.07, 0.08),
                    berry,
                    at=(radius * 0.75 * cos(a), radius * 0.75 * sin(a), level + 0.05),
                    fineness=12,
                )
                for a in angles
            ]
        )
    )
    if chance.happens(0.5):
        wax = finish(chance, "stripes")
        parts += [
            tube(
                [
                    [radius * 0.4 * cos(a), radius * 0.4 * sin(a), level],
                    [radius * 0.4 * cos(a), radius * 0.4 * sin(a), level + 0.4],
                ],
                0.02,
                wax,
            )
            for a in angles
        ]
    plate = [(0.001, -0.02), (radius * 1.3, -0.02), (radius * 1.35, 0.02), (0.001, 0)]
    return SceneObject([*parts, lathe(plate, finish(chance, "ceramic"))])


def mushrooms(chance: Rng) -> SceneObject:
    """One to four mushrooms."""
    parts: list[Part] = []
    cap_look = finish(
        chance, chance.pick(("speckle", "rough", "ceramic")), colour(chance, chance.pick(("earth", "any")))
    )
    white = finish(chance, "rough", colour(chance, "white"))
    for number in range(chance.whole(1, 4)):
        high, at = chance.uniform(0.3, 0.7), (number * 0.5, chance.uniform(-0.2, 0.2), 0)
        wide = chance.uniform(0.25, 0.4)
        parts.append(lathe(profile([0, 0.1, high * 0.5, high], [0.1, 0.12, 0.08, 0.09], 20), white, at=at))
        cap = profile(
            [high - 0.05, high - 0.06, high + 0.05, high + 0.25, high + 0.28], [0.09, wide, wide * 0.9, 0.12, 0.001], 30
        )
        parts.append(lathe(cap, cap_look, at=at))
    return SceneObject(parts)


def pineapple(chance: Rng) -> SceneObject:
    """A pineapple with its crown."""
    rind = finish(chance, "rough", (0.45, 0.25, 0.05))
    scales = []
    for number in range(150):
        share, a = number / 150, number * 2.39996
        r = 0.32 * sin(pi * (0.12 + 0.8 * share)) ** 0.7
        scales.append(
            ellipsoid(
                (0.06, 0.06, 0.05),
                rind,
                at=(r * cos(a), r * sin(a), 0.1 + share * 0.8),
                turn=(0, 0, a),
                boxy=(0.6, 0.6),
                fineness=7,
            )
        )
    crown = Foliage(finish(chance, "plastic", (0.05, 0.2, 0.04)))
    for number in range(40):
        a, steep = number * 2.4, chance.uniform(0.4, 2.5)
        crown.leaf(
            (0, 0, 0.86), (cos(a), sin(a), steep), length=chance.uniform(0.3, 0.7), width=0.035, shape=0.45, droop=0.3
        )
    return SceneObject([ellipsoid((0.3, 0.3, 0.42), rind, at=(0, 0, 0.5), fineness=20), joined(scales), *crown.mesh])
