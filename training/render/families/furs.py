"""Fur: soft toys, balls, cushions and rugs."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.fur import fur
from training.render.looks import colour, darker, fibres
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import ellipsoid, ring, spline, tube


def animal(chance: Rng) -> SceneObject:
    """A sitting bear, cat or rabbit."""
    tone = colour(chance, chance.pick(("earth", "any", "pastel", "white", "grey", "black")))
    skin, black = finish(chance, "rough", tone), finish(chance, "plastic", colour(chance, "black"))
    tall = chance.uniform(0.7, 1.2)
    level = 0.72 + 0.5 * tall
    body: list[Mesh] = [
        ellipsoid((0.45, 0.38, 0.5 * tall), skin, at=(0, 0, 0.5), fineness=20),
        ellipsoid((0.38 * chance.uniform(0.9, 1.3), 0.36, 0.36), skin, at=(0, -0.05, level), fineness=20),
        ellipsoid((0.15, 0.14, 0.11), skin, at=(0, -0.36, level - 0.07), fineness=20),
    ]
    ear = chance.pick(("bear", "bear", "cat", "rabbit"))
    for side in (-1, 1):
        arm_turn = (chance.uniform(-0.6, 0.6), side * chance.uniform(-0.9, -0.3), 0)
        body.append(ellipsoid((0.16, 0.18, 0.36), skin, at=(side * 0.42, -0.12, 0.62), turn=arm_turn, fineness=20))
        body.append(
            ellipsoid((0.19, 0.3, 0.19), skin, at=(side * 0.26, -0.3, 0.16), turn=(0, 0, side * 0.3), fineness=20)
        )
        size, at = {
            "bear": ((0.14, 0.08, 0.14), (side * 0.28, 0, level + 0.3)),
            "cat": ((0.1, 0.06, 0.2), (side * 0.22, 0, level + 0.32)),
            "rabbit": ((0.1, 0.06, 0.4), (side * 0.16, 0, level + 0.6)),
        }[ear]
        body.append(ellipsoid(size, skin, at=at, turn=(0, side * chance.uniform(0, 0.4), 0), fineness=20))
    if ear == "cat":
        body.append(tube(spline([[0.2, 0.3, 0.2], [0.6, 0.5, 0.3], [0.7, 0.4, 0.9]], 24), 0.08, skin))
    parts: list[Part] = [ellipsoid((0.06, 0.05, 0.045), black, at=(0, -0.5, level - 0.04), fineness=14)]
    parts += [
        ellipsoid((0.05, 0.04, 0.06), black, at=(side * 0.14, -0.4, level + 0.06), fineness=14) for side in (-1, 1)
    ]
    if chance.happens(0.3):
        parts.append(ring(0.34, 0.06, finish(chance, "fabric"), at=(0, 0, level - 0.3)))
    return _furry(chance, body, parts, tone, chance.pick((0.04, 0.07, 0.1, 0.16)))


def ball(chance: Rng) -> SceneObject:
    """A ball of fur, a pompom or a hedgehog of fibres."""
    tone = colour(chance)
    body = ellipsoid((0.5, 0.5, 0.5), finish(chance, "rough", darker(tone, 0.6)), at=(0, 0, 0.6), fineness=20)
    return _furry(chance, [body], [], tone, chance.uniform(0.1, 0.45))


def cushion(chance: Rng) -> SceneObject:
    """A cushion of fur."""
    tone = colour(chance)
    soft = ellipsoid((0.8, 0.4, 0.8), finish(chance, "rough", darker(tone, 0.6)), at=(0, 0, 0.8), boxy=(0.5, 0.4))
    return _furry(chance, [soft], [], tone, chance.uniform(0.05, 0.25))


def slippers(chance: Rng) -> SceneObject:
    """A pair of fur slippers."""
    tone = colour(chance)
    skin, sole = finish(chance, "rough", tone), finish(chance, "rubber")
    uppers: list[Mesh] = []
    parts: list[Part] = []
    for x in (0.0, 0.5):
        turn = (0, 0, chance.uniform(-0.15, 0.15))
        uppers.append(ellipsoid((0.2, 0.3, 0.2), skin, at=(x, -0.2, 0.12), turn=turn, fineness=20))
        parts.append(ellipsoid((0.2, 0.52, 0.07), sole, at=(x, 0, 0.03), turn=turn, boxy=(0.4, 0.8)))
    return _furry(chance, uppers, parts, tone, chance.uniform(0.04, 0.12))


def scarf(chance: Rng) -> SceneObject:
    """A fur collar or boa, laid in a loop."""
    tone = colour(chance)
    t = np.linspace(0, chance.uniform(1.5, 2.2) * pi, 60)
    path = np.stack([0.5 * np.cos(t) * (1 + 0.1 * t / pi), 0.2 * np.sin(t), 0.7 + 0.5 * np.sin(t)], -1)
    body = tube(path, 0.08, finish(chance, "rough", darker(tone, 0.6)), sides=14)
    return _furry(chance, [body], [], tone, chance.uniform(0.08, 0.22))


def _furry(
    chance: Rng, body: list[Mesh], parts: list[Part], tone: tuple[float, float, float], length: float
) -> SceneObject:
    coat = fur(
        chance, body, fibres(tone), count=chance.pick((12000, 20000, 32000)), length=length,
        radius=chance.pick((0.0015, 0.0025, 0.004)), droop=chance.uniform(0, 0.6), mess=chance.uniform(0.1, 0.5),
        clumps=chance.uniform(0, 0.7), comb=(0, 0, -chance.uniform(0, 1.2)),
    )  # fmt: skip
    return SceneObject([*body, *parts, coat])
