"""Cloth: veils, curtains, scarves with fringes, flags, shirts, umbrellas, balloons."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.fur import bristles
from training.render.labels import label
from training.render.looks import Look, colour, fibres, printed, sheer
from training.render.rng import Floats, Rng
from training.render.scene_object import Part, SceneObject, Strands
from training.render.shapes import ellipsoid, joined, lathe, panel, profile, spline, surface, tube

WOVEN = ("fabric", "stripes", "chequers", "speckle", "fabric")
LOW = (-0.1, 0.3)
FINE = 70


def _hanging(chance: Rng, width: float) -> Floats:
    """A hanging, folded sheet as a grid of points [70,70,3], its lower edge last along the second axis."""
    u, v = np.meshgrid(np.linspace(-1, 1, FINE), np.linspace(0, 1, FINE), indexing="ij")
    folds = np.zeros_like(u)
    for _ in range(4):
        folds += chance.uniform(0.02, 0.1) * np.sin(
            chance.uniform(2, 9) * u + chance.uniform(-2, 2) * v + chance.uniform(0, 6)
        )
    x = u * width * (1 + 0.25 * np.sin(v * 3 + chance.uniform(0, 6))) + 0.1 * np.sin(v * chance.uniform(2, 6))
    z = (1 - v) * chance.uniform(1.2, 1.8) + 0.05 * np.sin(u * 5 + v * 4)
    return np.stack([x, folds * (0.4 + v), z], -1)


def _fringe(chance: Rng, edge: Floats, look: Look, length: float) -> Strands:
    roots = np.repeat(edge, 12, 0) + chance.normals(0.012, len(edge) * 12, 3) * (1, 0.3, 0.1)
    down = np.array([0, 0, -1.0]) + chance.normals(0.06, len(roots), 3)
    return bristles(chance, roots, down, look, length=length, radius=0.003, steps=6, wander=0.006)


def veil(chance: Rng) -> SceneObject:
    """Sheer cloth or lace, sometimes with something behind it or a rod above."""
    points = _hanging(chance, chance.uniform(0.4, 0.9))
    parts: list[Part] = [surface(points, sheer(chance, holes=chance.happens(0.4)), subdivide=1)]
    if chance.happens(0.3):
        body = ellipsoid((0.25, 0.2, 0.3), finish(chance), at=(0, 0.35, 0.6))
        parts.append(body)
    elif chance.happens(0.5):
        top = float(points[..., 2].max())
        parts.append(tube([[-1.1, 0, top], [1.1, 0, top]], 0.025, finish(chance, chance.pick(("wood", "metal")))))
    return SceneObject(parts, elevation=LOW)


def scarf(chance: Rng) -> SceneObject:
    """A scarf or shawl with a fringe."""
    points = _hanging(chance, chance.uniform(0.22, 0.7))
    tone = colour(chance)
    parts: list[Part] = [surface(points, finish(chance, chance.pick(WOVEN), tone), subdivide=1)]
    parts.append(_fringe(chance, points[:, -1], fibres(tone), chance.uniform(0.1, 0.3)))
    return SceneObject(parts, elevation=LOW)


def flag(chance: Rng) -> SceneObject:
    """A flag at its pole, waving."""
    u, v = np.meshgrid(np.linspace(0, 1, FINE), np.linspace(0, 1, FINE), indexing="ij")
    swing = chance.uniform(0.05, 0.2)
    y = swing * u * np.sin(chance.uniform(5, 10) * u + chance.uniform(-1, 1) * v + chance.uniform(0, 6))
    z = 1.9 - v * chance.uniform(0.7, 1.0) - 0.25 * u**2
    cloth = finish(chance, chance.pick(("stripes", "fabric", "chequers")))
    pole = tube([[0, 0, -0.3], [0, 0, 2.0]], 0.025, finish(chance, chance.pick(("metal", "wood"))))
    return SceneObject([surface(np.stack([u * 1.4, y, z], -1), cloth), pole], elevation=LOW, azimuth=(-0.6, 0.6))


def shirt(chance: Rng) -> SceneObject:
    """A shirt or jumper that nobody wears."""
    cloth = finish(chance, chance.pick(WOVEN))
    angle, z = np.linspace(0, 2 * pi, 64, endpoint=False), np.linspace(0, 1.3, 40)
    wide = np.interp(z, [0, 0.9, 1.15, 1.25, 1.3], [0.5, 0.48, 0.46, 0.3, 0.17])[:, None]
    x, level = wide * np.cos(angle), np.repeat(z[:, None], 64, 1)
    creases = 0.02 * np.sin(9 * x + 5 * level) + 0.03 * np.sin(4 * x - 7 * level + chance.uniform(0, 6))
    body = np.stack([x, 0.42 * wide * np.sin(angle) + creases, level], -1)
    parts: list[Part] = [surface(body, cloth, columns_close=True, subdivide=1)]
    for side in (-1, 1):
        line = spline(
            [
                [side * 0.38, 0, 1.12],
                [side * 0.62, -0.02, 0.95],
                [side * 0.75, chance.uniform(-0.15, 0.1), chance.uniform(0.2, 0.7)],
            ],
            24,
        )
        line[:, 1] += 0.015 * np.sin(np.arange(24))
        parts.append(tube(line, np.linspace(0.17, 0.11, 24), cloth, sides=20, subdivide=1))
    if chance.happens(0.5):
        parts.append(panel(0.44, 0.35, printed(label(chance), 0.9), at=(0, -0.26, 0.72)))
    return SceneObject(parts, elevation=LOW)


def umbrella(chance: Rng) -> SceneObject:
    """An open umbrella with its ribs, sometimes of clear film."""
    ribs = chance.pick((6, 8, 10))
    cover = (
        sheer(chance, opacity=chance.uniform(0.15, 0.4)) if chance.happens(0.25) else finish(chance, chance.pick(WOVEN))
    )
    angle, t = np.linspace(0, 2 * pi, ribs * 10, endpoint=False), np.linspace(0, 1, 20)[:, None]
    radius = 0.95 * np.sin(t * 1.25) * (1 - 0.1 * np.abs(np.sin(angle * ribs / 2)) * t)
    points = np.stack(
        [radius * np.cos(angle), radius * np.sin(angle), 1.2 + 0.55 * np.cos(t * 1.25) * np.ones_like(radius)], -1
    )
    metal = finish(chance, "metal")
    a = np.linspace(0, pi, 20)
    crook = np.stack([0.09 - 0.09 * np.cos(a), 0 * a, 0.2 - 0.1 * np.sin(a)], -1)
    spokes = [
        tube([[0.9 * cos(q), 0.9 * sin(q), 1.38], [0, 0, 1.3]], 0.006, metal, sides=5)
        for q in np.arange(ribs) * 2 * pi / ribs
    ]
    return SceneObject(
        [
            surface(points, cover, columns_close=True),
            tube([[0, 0, 0.2], [0, 0, 1.85]], 0.015, metal),
            tube(crook, 0.025, finish(chance, "wood")),
            joined(spokes),
        ],
        elevation=LOW,
    )


def balloons(chance: Rng) -> SceneObject:
    """One to six balloons on strings, some clear."""
    thread = finish(chance, "fabric")
    curve = profile([-0.36, -0.33, -0.1, 0.15, 0.27, 0.3], [0.02, 0.03, 0.24, 0.27, 0.12, 0.001], 30)
    parts: list[Part] = []
    for _ in range(chance.whole(1, 6)):
        at = np.array([chance.uniform(-0.6, 0.6), chance.uniform(-0.3, 0.3), chance.uniform(1.2, 1.9)])
        size = chance.uniform(0.75, 1.1)
        skin = (
            sheer(chance, opacity=chance.uniform(0.55, 0.9))
            if chance.happens(0.4)
            else finish(chance, chance.pick(("paint", "plastic", "metal")))
        )
        parts.append(lathe(curve * size, skin, at=at))
        string = spline([at - (0, 0, 0.36 * size), np.array([at[0] * 0.5, at[1], 0.8]), np.zeros(3)], 20)
        parts.append(tube(string, 0.004, thread, sides=5))
    return SceneObject(parts, elevation=LOW)
