"""Feathers, dandelions and dusters: fine soft alpha at the end of a stalk."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.fur import bristles, on_surface, strands
from training.render.looks import Look, colour, fibres
from training.render.rng import Floats, Rng
from training.render.scene_object import Part, SceneObject, Strands
from training.render.shapes import ellipsoid, lathe, profile, spline, tube

LOW = (-0.1, 0.25)
AHEAD = (-0.5, 0.5)


def feathers(chance: Rng) -> SceneObject:
    """One to three feathers with split vanes and down at the foot."""
    look, quill = fibres(colour(chance)), finish(chance, "plastic", colour(chance, "white"))
    parts: list[Part] = []
    for number in range(chance.pick((1, 1, 2, 3))):
        t = np.linspace(0, 1, 40)
        bend = chance.uniform(-0.3, 0.3)
        shaft = np.stack([bend * np.sin(t * 2) + number * 0.45, 0.1 * t + chance.uniform(-0.1, 0.1), t * 1.6], -1)
        parts += [tube(shaft, np.linspace(0.014, 0.002, 40), quill, sides=8), _vane(chance, shaft, look)]
    return SceneObject(parts, elevation=LOW, azimuth=AHEAD)


def _vane(chance: Rng, shaft: Floats, look: Look) -> Strands:
    count = chance.whole(1600, 3200)
    along = chance.uniforms(0.12, 1, count)
    side = np.sign(chance.normals(1, count))
    place = np.linspace(0, 1, len(shaft))
    roots = np.stack([np.interp(along, place, shaft[:, axis]) for axis in range(3)], -1)
    reach = (
        chance.uniform(0.12, 0.3) * np.sin(pi * np.clip(along, 0.05, 0.97)) ** 0.5 * chance.uniforms(0.85, 1.05, count)
    )
    # Barbs stick together in tufts: their angle jumps from one to the next.
    split = np.round(along * chance.uniform(4, 12)) * 0.15 % 0.3
    ahead = np.stack([side, chance.normals(0.06, count), 0.55 + split + chance.normals(0.04, count)], -1)
    down = along < 0.25
    ahead[down] += chance.normals(0.5, int(down.sum()), 3)
    t = np.linspace(0, 1, 8)[None, :, None]
    long = reach[:, None, None]
    points = roots[:, None] + ahead[:, None] * t * long + np.array([0, 0.15, 0.35]) * long * t**2
    return strands(chance, points, look, 0.0035, 0.001)


def dandelion(chance: Rng) -> SceneObject:
    """A dandelion clock, whole or half blown away."""
    green, white = finish(chance, "plastic", (0.1, 0.25, 0.03)), fibres(colour(chance, "white"))
    stalk = tube(spline([[0, 0, 0], [chance.uniform(-0.2, 0.2), 0, 0.6], [0, 0, 1.2]], 20), 0.015, green)
    heart = ellipsoid((0.07,) * 3, finish(chance, "rough", colour(chance, "earth")), at=(0, 0, 1.25), fineness=14)
    roots, normals = on_surface(chance, [heart], chance.whole(140, 280))
    if chance.happens(0.35):
        stay = roots[:, 0] < chance.uniform(-0.02, 0.04)
        roots, normals = roots[stay], normals[stay]
    ends = roots + normals * 0.38
    rays = 26
    out = np.repeat(normals, rays, 0) * 0.5 + chance.normals(0.7, len(roots) * rays, 3)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    stems = strands(
        chance, roots[:, None] + normals[:, None] * np.linspace(0, 0.38, 5)[None, :, None], white, 0.002, 0.002
    )
    tufts = bristles(chance, np.repeat(ends, rays, 0), out, white, length=0.11, radius=0.0012, steps=4)
    return SceneObject([stalk, heart, stems, tufts], elevation=LOW, azimuth=AHEAD)


def duster(chance: Rng) -> SceneObject:
    """A paint brush, a shaving brush or a feather duster."""
    high = chance.uniform(0.5, 0.9)
    handle = profile(np.linspace(0, high, 7), [*chance.uniforms(0.04, 0.09, 6).tolist(), 0.08], 40)
    ferrule = [(0.09, 0.55), (0.1, 0.57), (0.1, 0.68), (0.08, 0.7)]
    count = chance.whole(3000, 6000)
    angle, away = chance.uniforms(0, 2 * pi, count), 0.085 * np.sqrt(chance.uniforms(0, 1, count))
    roots = np.column_stack((away * np.cos(angle), away * np.sin(angle), np.full(count, 0.56)))
    spread = chance.pick((chance.uniform(0.2, 1.5), chance.uniform(2, 4)))
    out = np.column_stack((roots[:, :2] * spread * 4, np.full(count, -1.0))) + chance.normals(0.06, count, 3)
    hairs = bristles(
        chance, roots, out, fibres(colour(chance)), length=chance.uniform(0.3, 0.55), radius=0.0025, wander=0.01
    )
    wood = finish(chance, chance.pick(("wood", "paint", "plastic")))
    return SceneObject(
        [lathe(handle, wood, at=(0, 0, 0.6)), lathe(ferrule, finish(chance, "metal")), hairs], elevation=LOW
    )


def plume(chance: Rng) -> SceneObject:
    """Ostrich plumes: a bent shaft with long hanging down."""
    look = fibres(colour(chance))
    parts: list[Part] = []
    for number in range(chance.whole(1, 4)):
        x = chance.uniform(-0.5, 0.5)
        line = spline(
            [[0, 0, 0], [x * 0.3, 0, 0.6], [x, 0.1 * number, 1.2], [x * 1.8, 0, 1.5], [x * 2.4, -0.1, 1.4]], 60
        )
        parts.append(
            tube(line, np.linspace(0.012, 0.003, 60), finish(chance, "plastic", colour(chance, "white")), sides=6)
        )
        count = 3500
        at = chance.wholes(12, 59, count)
        ahead = np.gradient(line, axis=0)[at]
        out = ahead / np.linalg.norm(ahead, axis=1, keepdims=True) * 0.8 + chance.normals(0.7, count, 3)
        parts.append(
            bristles(
                chance, line[at], out, look, length=chance.uniform(0.14, 0.26), radius=0.0016, wander=0.006, droop=0.8
            )
        )
    return SceneObject(parts, elevation=LOW)
