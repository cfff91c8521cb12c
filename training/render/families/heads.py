"""Hair on heads. The heads are dummies and their faces no substitute for portraits: what counts is the hair."""

from dataclasses import dataclass
from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.fur import fur, on_surface, strands
from training.render.looks import Colour, Look, Pattern, colour, darker, hair
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import ellipsoid, spline, surface, tube, unit

SKINS: tuple[Colour, ...] = (
    (0.75, 0.5, 0.38), (0.6, 0.38, 0.26), (0.35, 0.2, 0.12), (0.14, 0.07, 0.04), (0.82, 0.6, 0.5),
)  # fmt: skip
SKULL, JAW, SHOULDERS = (
    (np.array([0, 0, 1.6]), np.array([0.375, 0.455, 0.515])),
    (np.array([0, -0.1, 1.32]), np.array([0.27, 0.31, 0.31])),
    (np.array([0, 0.05, 0.75]), np.array([0.72, 0.42, 0.28])),
)
"""Middle and radii of what hair cannot pass."""


@dataclass(frozen=True, slots=True)
class Style:
    """How hair falls.

    Attributes:
        curl: how far strands swing out; twist: turns per step. weight: pull downwards. stretch: share of the length
            that is left of it when it curls. loose: share of strands that fly about.
    """

    curl: float
    twist: float
    weight: float = 0.32
    stretch: float = 1.0
    loose: float = 0.05
    wind: float = 0.0


STYLES = {
    "straight": Style(0.02, 0.7),
    "wavy": Style(0.35, 0.9),
    "curly": Style(0.9, 2.2, stretch=0.8),
    "afro": Style(1.3, 2.6, weight=0.02, stretch=0.55, loose=0.15),
    "windy": Style(0.15, 0.7, weight=0.12, wind=0.25, loose=0.2),
    "wild": Style(0.25, 1.2, weight=0.16, loose=0.35, wind=0.05),
}


def short_hair(chance: Rng) -> SceneObject:
    """A head with short to half-long hair."""
    return _head(chance, chance.pick(("straight", "wavy", "curly", "afro")), chance.uniform(0.2, 0.5))


def long_hair(chance: Rng) -> SceneObject:
    """A head with long hair, seen from all sides."""
    return _head(chance, chance.pick(("straight", "wavy", "curly", "wild")), chance.uniform(0.7, 1.3))


def flying_hair(chance: Rng) -> SceneObject:
    """A head with long loose hair in the wind."""
    return _head(chance, "windy", chance.uniform(0.6, 1.2))


def bun(chance: Rng) -> SceneObject:
    """Hair put up, with loose strands at the nape."""
    thing = _head(chance, "straight", 0.16)
    knot = ellipsoid((0.2, 0.2, 0.18), finish(chance, "rough", colour(chance, "black")), at=(0, 0.42, 1.88))
    look = thing.parts[-1].look
    thing.add(fur(chance, [knot], look, count=5000, length=0.12, radius=0.0016, mess=1.2), knot)
    return thing


def wig(chance: Rng) -> SceneObject:
    """A hank of long loose hair alone: nothing but soft alpha."""
    count, steps = chance.whole(3000, 9000), 18
    look = hair(chance)
    top = np.column_stack((chance.normals(0.12, count), chance.normals(0.05, count), np.full(count, 1.6)))
    spread, wave, fly = chance.uniform(0.5, 2.5), chance.uniform(0.0, 0.08), chance.uniform(0.005, 0.03)
    t = np.linspace(0, 1, steps)[None, :, None]
    long = chance.uniform(0.9, 1.5) * chance.uniforms(0.7, 1.05, count, 1, 1)
    fall = top[:, None] * np.array([spread, spread, 0]) * t**1.5 + np.array([0, 0, -1.0]) * long * t
    phase = np.round(np.arctan2(top[:, 1], top[:, 0]) * 4)[:, None] + t[..., 0] * chance.uniform(4, 14)
    swing = wave * np.stack([np.cos(phase), np.sin(phase), 0 * phase], -1) * t
    points = top[:, None] + fall + swing + np.cumsum(chance.normals(fly, count, steps, 3), 1) * t
    band = ellipsoid((0.2, 0.12, 0.06), finish(chance, chance.pick(("fabric", "leather", "metal"))), at=(0, 0, 1.58))
    return SceneObject([band, strands(chance, points, look, 0.0018, 0.0006)], elevation=(-0.1, 0.2))


def _head(chance: Rng, style: str, length: float) -> SceneObject:
    tone = chance.pick(SKINS)
    skin = Look((darker(tone, 0.85), tone), pattern=Pattern.CLOUDS, scale=6, roughness=(0.4, 0.5), subsurface=0.1)
    skull = ellipsoid((0.36, 0.44, 0.5), skin, at=(0, 0, 1.6), fineness=40)
    thing = SceneObject([skull, *_face(chance, skin, tone), *_body(chance, skin)])
    look = hair(chance)
    roots, normals = _scalp(chance, skull, chance.whole(7000, 15000))
    points = _fall(chance, STYLES[style], roots, normals, length=length)
    thing.add(strands(chance, points, look, chance.uniform(0.0012, 0.0022), 0.0006))
    thing.elevation = (-0.1, 0.35)
    # A half of them from behind or aside, where there is only hair.
    thing.azimuth = (-1.2, 1.2) if chance.happens(0.5) else (1.6, 4.6)
    return thing


def _scalp(chance: Rng, skull: Mesh, count: int) -> tuple[Floats, Floats]:
    roots, normals = on_surface(chance, [skull], count * 3)
    crown = (roots[:, 2] > 1.62) & (roots[:, 1] > -0.3)
    nape = (roots[:, 1] > 0.02) & (roots[:, 2] > 1.35)
    there = crown | nape
    return roots[there][:count], normals[there][:count]


def _fall(chance: Rng, style: Style, roots: Floats, normals: Floats, *, length: float, steps: int = 16) -> Floats:
    """Strands [N,steps,3] that fall from a parting, around head and shoulders."""
    count = len(roots)
    points = np.zeros((count, steps, 3))
    points[:, 0] = roots
    step = length * style.stretch * chance.uniforms(0.75, 1.1, count, 1) / (steps - 1)
    parting = np.sign(roots[:, :1] + chance.normals(0.03, count, 1))
    locks = np.round(np.arctan2(roots[:, 1:2], roots[:, :1]) * 3) + chance.normals(0.4, count, 1)
    wind = style.wind * np.array([chance.uniform(-1, 1), chance.uniform(-0.3, 0.6), chance.uniform(0, 0.3)])
    loose = chance.uniforms(0, 1, count, 1) < style.loose
    ahead = normals * 0.8 + parting * (0.45, 0, 0) + np.array([0, 0.25, 0.1]) + chance.normals(0.12, count, 3)
    for place in range(1, steps):
        stray = chance.normals(1, count, 3) * np.where(loose, 0.16, 0.03)
        ahead = unit(ahead * 0.78 + np.array([0, 0, -style.weight]) + wind + stray)
        turn = locks + place * style.twist
        swing = style.curl * np.concatenate([np.cos(turn), np.sin(turn), 0.2 * np.sin(2 * turn)], 1)
        points[:, place] = _outside(points[:, place - 1] + unit(ahead + swing) * step)
    return points


def _outside(points: Floats) -> Floats:
    """Points [N,3] pushed out of head, jaw and shoulders."""
    for middle, radii in (SKULL, JAW, SHOULDERS):
        inward = (points - middle) / radii
        away = np.linalg.norm(inward, axis=1, keepdims=True)
        points = np.where(away < 1, middle + inward / np.maximum(away, 1e-3) * radii, points)
    return points


def _face(chance: Rng, skin: Look, tone: Colour) -> list[Part]:
    white, iris = (
        finish(chance, "plastic", (0.85, 0.85, 0.85)),
        finish(chance, "plastic", chance.pick(((0.05, 0.02, 0.01), (0.1, 0.2, 0.35)))),
    )
    brow = finish(chance, "rough", colour(chance, "black"))
    lips = finish(chance, "rubber", (tone[0], tone[1] * 0.5, tone[2] * 0.5))
    parts: list[Part] = [
        ellipsoid((0.26, 0.3, 0.3), skin, at=(0, -0.1, 1.32)),
        ellipsoid((0.055, 0.1, 0.1), skin, at=(0, -0.44, 1.53), turn=(0.35, 0, 0), fineness=16),
        ellipsoid((0.1, 0.04, 0.03), lips, at=(0, -0.41, 1.36), fineness=14),
    ]
    t = np.linspace(0, 1, 8)
    for side in (-1, 1):
        parts.append(
            ellipsoid((0.045, 0.08, 0.12), skin, at=(side * 0.36, 0.03, 1.56), turn=(0, side * 0.15, 0), fineness=16)
        )
        parts.append(ellipsoid((0.055,) * 3, white, at=(side * 0.14, -0.355, 1.64), fineness=16))
        parts.append(ellipsoid((0.03, 0.015, 0.03), iris, at=(side * 0.14, -0.408, 1.64), fineness=14))
        line = np.stack([side * (0.08 + 0.12 * t), -0.42 + 0.03 * t, 1.73 + 0.03 * np.sin(pi * t)], -1)
        parts.append(tube(line, 0.012, brow))
    return parts


def _body(chance: Rng, skin: Look) -> list[Part]:
    """Neck and clothed shoulders."""
    share = np.linspace(0, 1, 10)
    wide = np.interp(share, [0, 0.3, 0.7, 0.9, 1], [0.62, 0.66, 0.72, 0.5, 0.2])[:, None]
    level = 0.1 + 0.9 * np.interp(share, [0, 0.7, 0.9, 1], [0, 0.62, 0.85, 0.95])
    angle = np.linspace(0, 2 * pi, 48, endpoint=False)
    points = np.stack(
        [wide * np.cos(angle), 0.55 * wide**0.9 * np.sin(angle) + 0.05, np.repeat(level[:, None], 48, 1)], -1
    )
    cloth = finish(chance, chance.pick(("fabric", "fabric", "stripes", "leather", "chequers")))
    neck = tube(
        spline([[0, 0.08, 0.8], [0, 0.05, 1.1], [0, 0.02, 1.4]], 12), np.linspace(0.2, 0.18, 12), skin, sides=24
    )
    return [surface(points, cloth, columns_close=True, subdivide=1), neck]
