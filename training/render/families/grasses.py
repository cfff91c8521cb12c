"""Grasses, ferns and reeds: many thin blades, none of which may get lost."""

from math import cos, pi, sin

import numpy as np

from training.render.families.plants import frond
from training.render.families.pots import pot
from training.render.finishes import finish
from training.render.foliage import UP, Foliage, stem, upwards
from training.render.fur import bristles
from training.render.looks import colour, fibres, leaf
from training.render.rng import Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import joined, tube, unit


def tuft(chance: Rng) -> SceneObject:
    """A tuft of grass, in a pot or bare."""
    parts, earth = pot(chance) if chance.happens(0.5) else ([], 0.0)
    blades = Foliage(leaf(chance))
    width, droop, spread = chance.uniform(0.004, 0.018), chance.uniform(0.1, 0.9), chance.uniform(0.2, 0.55)
    for _ in range(chance.whole(150, 600)):
        blades.leaf(
            (*chance.normals(0.07, 2), earth), upwards(chance, spread), length=chance.uniform(0.4, 1.2), width=width,
            up=chance.normals(1, 3), droop=droop * chance.uniform(0.3, 1.2), steps=10, shape=0.45,
        )  # fmt: skip
    return SceneObject([*parts, *blades.mesh], elevation=(-0.1, 0.5))


def turf(chance: Rng) -> SceneObject:
    """A piece of lawn: a shallow bed of hair-thin blades."""
    wide = chance.uniform(0.4, 0.7)
    bed = finish(chance, "rough", (0.06, 0.04, 0.02))
    base = tube([[0, 0, 0], [0, 0, 0.08]], wide, bed, sides=40)
    count = chance.whole(4000, 9000)
    angle, away = chance.uniforms(0, 2 * pi, count), wide * np.sqrt(chance.uniforms(0, 1, count))
    roots = np.column_stack((away * np.cos(angle), away * np.sin(angle), np.full(count, 0.08)))
    green = (chance.uniform(0.03, 0.12), chance.uniform(0.12, 0.3), 0.02)
    blades = bristles(chance, roots, unit(UP + chance.normals(0.3, count, 3)), fibres(green), radius=0.003, droop=0.3,
                      length=chance.uniform(0.12, 0.4))  # fmt: skip
    return SceneObject([base, blades], elevation=(0.05, 0.6))


def fern(chance: Rng) -> SceneObject:
    """A fern: arching fronds of many leaflets."""
    parts, earth = pot(chance) if chance.happens(0.6) else ([], 0.0)
    look = leaf(chance)
    leaves, ribs = Foliage(look), []
    for number in range(chance.whole(9, 22)):
        rise, length = chance.uniform(0.5, 2.0), chance.uniform(0.5, 1.0)
        ahead = unit(np.array([cos(number * 2.4), sin(number * 2.4), rise]))
        t = np.linspace(0, 1, 30)[:, None]
        rib = UP * earth + ahead * t * length - UP * chance.uniform(0.3, 0.8) * length * t**2
        ribs.append(tube(rib, np.linspace(0.008, 0.002, 30), look, sides=5))
        frond(leaves, rib, length * 0.22, length * 0.013)
    return SceneObject([*parts, joined(ribs), *leaves.mesh])


def ears(chance: Rng) -> SceneObject:
    """Stalks with ears: wheat, barley with long awns, reeds, pampas grass."""
    straw = colour(chance, chance.pick(("earth", "earth", "pastel", "any")))
    dry, stalks, hairs = finish(chance, "rough", straw), [], []
    thread = fibres(straw)
    long, wild = chance.uniform(0.05, 0.2), chance.uniform(0.25, 0.7)
    grains = Foliage(dry)
    leaves = Foliage(leaf(chance))
    for _ in range(chance.whole(2, 12)):
        lean, height = chance.normals(0.22, 2), chance.uniform(0.9, 1.5)
        knots = [[0, 0, 0], [lean[0] * 0.3, lean[1] * 0.3, height * 0.5], [lean[0], lean[1], height]]
        line, stalk = stem(knots, dry, 0.016, 0.008, 40)
        stalks.append(stalk)
        top = line[26:]
        along = unit(top[-1] - top[0])
        out = unit(chance.normals(wild, 260, 3) + along)
        roots = top[chance.wholes(0, len(top) - 1, 260)]
        hairs.append(bristles(chance, roots, out, thread, length=long, radius=0.0025, droop=0.25))
        for root, way in zip(roots[:150], out[:150], strict=True):
            grains.leaf(root, way, length=0.08, width=0.014, steps=4, droop=0)
        leaves.leaf(line[10], upwards(chance, 0.5), length=chance.uniform(0.3, 0.6), width=0.012, droop=0.7, steps=12)
    parts: list[Part] = [joined(stalks), *grains.mesh, *leaves.mesh, *hairs]
    return SceneObject(parts, elevation=(-0.1, 0.25))
