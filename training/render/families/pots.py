"""Pots that plants stand in."""

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look
from training.render.rng import Rng
from training.render.scene_object import Part
from training.render.shapes import box, lathe, profile, ring, wall

EARTH = (0.03, 0.02, 0.01)


def pot(chance: Rng) -> tuple[list[Part], float]:
    """A pot with earth in it, and the height of the earth. About half a metre wide."""
    height, top, foot = chance.uniform(0.28, 0.6), chance.uniform(0.24, 0.36), chance.uniform(0.16, 0.3)
    clay = finish(chance, chance.pick(("ceramic", "rough", "plastic", "wood", "speckle", "stripes")))
    waist = chance.uniform(0.85, 1.15) * (top + foot) / 2
    outline = profile([0, height * 0.3, height * 0.6, height], [foot, waist, (waist + top) / 2, top], 24)
    parts: list[Part] = [lathe(wall(outline, 0.025), clay)]
    if chance.happens(0.4):
        parts.append(ring(top, chance.uniform(0.012, 0.03), clay, at=(0, 0, height)))
    if chance.happens(0.3):
        saucer = [(0.001, -0.02), (foot * 1.3, -0.02), (foot * 1.45, 0.03), (foot * 1.35, 0.0), (0.001, 0.0)]
        parts.append(lathe(saucer, clay))
    earth = height * 0.88
    parts.append(lathe([(0.001, earth), (top * 0.93, earth)], finish(chance, "rough", EARTH)))
    return parts, earth


def tray(chance: Rng) -> tuple[list[Part], float]:
    """The flat tray of a bonsai, and the height of its earth."""
    wide, deep, height = chance.uniform(0.45, 0.6), chance.uniform(0.28, 0.36), chance.uniform(0.12, 0.18)
    clay = finish(chance, chance.pick(("ceramic", "rough", "paint")))
    parts: list[Part] = [box((2 * wide, 2 * deep, height), clay, at=(0, 0, height / 2), bevel=0.03)]
    earth = box((1.9 * wide, 1.85 * deep, 0.03), finish(chance, "rough", EARTH), at=(0, 0, height), bevel=0.01)
    feet = [box((0.12, 0.1, 0.06), clay, at=(x * wide * 0.7, y * deep * 0.7, -0.02)) for x in (-1, 1) for y in (-1, 1)]
    return [*parts, earth, *feet], height


def bark(chance: Rng) -> Look:
    """The look of stems that are wood."""
    tone = np.array([chance.uniform(0.05, 0.2), chance.uniform(0.04, 0.12), 0.03])
    return finish(chance, "rough", (float(tone[0]), float(tone[1]), float(tone[2])))
