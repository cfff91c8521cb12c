"""Jewellery as it is sold: fine chains with a pendant, watches with their straps, earrings, bracelets, rings."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour, darker, glass
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    UPRIGHT,
    Place,
    around,
    box,
    ellipsoid,
    frames,
    joined,
    lathe,
    profile,
    ring,
    spline,
    tube,
)

FROM_ABOVE = (0.5, 1.4)


def _stone(chance: Rng) -> Look:
    if chance.happens(0.3):
        return glass(darker(colour(chance, "pastel"), 1.1))
    return finish(chance, chance.pick(("ceramic", "paint", "metal")), colour(chance, chance.pick(("white", "any"))))


def pendant(chance: Rng) -> SceneObject:
    """A fine chain with a pendant, hanging or laid down."""
    metal = finish(chance, "metal")
    wide, high = chance.uniform(0.25, 0.6), chance.uniform(0.9, 1.6)
    knots = [(-wide * 0.7, high), (-wide, high * 0.8), (-wide * 0.6, high * 0.3), (0, 0)]
    half = spline(knots, 80)
    line = np.concatenate([half, (half * (-1, 1))[::-1][1:]])
    path = np.column_stack((line[:, 0], np.zeros(len(line)), line[:, 1]))
    parts: list[Part] = [links(path, metal, chance.uniform(0.014, 0.03)), *_hung(chance, metal)]
    if chance.happens(0.5):
        return SceneObject(parts, elevation=(-0.1, 0.3), azimuth=(-0.5, 0.5))
    lying = [part.moved(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])) for part in parts]
    return SceneObject(lying, elevation=FROM_ABOVE)


def _hung(chance: Rng, metal: Look) -> list[Part]:
    size, stone = chance.uniform(0.08, 0.18), _stone(chance)
    eye = ring(0.03, 0.008, metal, at=(0, 0, -0.03), turn=(pi / 2, 0, pi / 2), points=24)
    match chance.pick(("disc", "drop", "ring", "bar", "stones")):
        case "disc":
            thing = [lathe([(0.001, -0.01), (size, -0.01), (size, 0.01), (0.001, 0.01)], metal, turn=UPRIGHT)]
        case "drop":
            thing = [lathe(profile([-1.0, -0.7, -0.2, 1.0], [0.001, 0.5, 0.55, 0.02]) * size, stone)]
        case "ring":
            thing = [ring(size, size * 0.12, metal, turn=UPRIGHT)]
        case "bar":
            thing = [box((size * 0.25, size * 0.15, size * 2), metal, bevel=0.005)]
        case _:
            thing = [ellipsoid((size * 0.35,) * 3, stone, at=(0, 0, (1 - n) * size * 0.65)) for n in range(3)]
    high = max(float(part.vertices[:, 2].max()) for part in thing)
    return [eye, *(part.moved(np.eye(3), (0, 0, -0.055 - high)) for part in thing)]


def links(path: Floats, look: Look, length: float, *, closed: bool = False) -> Mesh:
    """A chain of links of about `length` along a path [N,3], every second one turned by a quarter."""
    whole = np.concatenate([path, path[:1]]) if closed else path
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(whole, axis=0), axis=1))])
    count = max(4, min(int(way[-1] / length), 220))
    at = np.linspace(0, way[-1], count, endpoint=not closed)
    points = np.column_stack([np.interp(at, way, whole[:, axis]) for axis in range(3)])
    step = way[-1] / count
    parts = []
    for number, (place, *axes) in enumerate(zip(points, *frames(points, closed=closed), strict=True)):
        x, y, z = axes
        across, up = (y, z) if number % 2 else (z, -y)
        link = ring(step * 0.36, step * 0.12, look, wide=1.9, points=12, sides=5)
        parts.append(link.moved(np.column_stack((x, across, up)), place))
    return joined(parts)


def bracelet(chance: Rng) -> SceneObject:
    """A bracelet of links, beads or one piece, mostly lying."""
    metal, radius = finish(chance, "metal"), 0.6
    oval = around(radius, 120) * (1, chance.uniform(0.7, 1), 1) + (0, 0, 0.08)
    parts: list[Part]
    match chance.pick(("links", "beads", "cuff", "charms")):
        case "links":
            parts = [links(oval, metal, chance.uniform(0.06, 0.14), closed=True)]
        case "beads":
            parts = _beads(chance, oval)
        case "cuff":
            t = np.linspace(0.3, 2 * pi - 0.3, 90)
            path = np.column_stack((radius * np.sin(t), 0.8 * radius * np.cos(t), np.full(90, 0.1)))
            parts = [tube(path, chance.uniform(0.02, 0.05), metal, flat=chance.uniform(1, 4))]
        case _:
            parts = [links(oval, metal, 0.07, closed=True)]
            charm = _stone(chance)
            for place in oval[:: chance.whole(10, 30)]:
                out = place * (1.13, 1.13, 0.5)
                parts.append(ellipsoid((0.06,) * 3, charm, at=out, fineness=14))
                parts.append(tube([place, out], 0.01, metal))
    return SceneObject(parts, elevation=(0.25, 1.3))


def _beads(chance: Rng, oval: Floats) -> list[Part]:
    beads = [_stone(chance), _stone(chance)]
    size = float(np.linalg.norm(oval[0] - oval[4])) / 2
    places = oval[::4]
    return [
        joined([ellipsoid((size,) * 3, beads[which], at=place, fineness=14) for place in places[which::2]])
        for which in range(2)
    ]


def earrings(chance: Rng) -> SceneObject:
    """A pair of earrings: hooks with drops, strings of stones, hoops or threads of chain."""
    metal, stone = finish(chance, "metal"), _stone(chance)
    style, long = chance.pick(("drop", "string", "hoop", "threads")), chance.uniform(0.25, 0.7)
    parts: list[Part] = []
    for x in (-0.35, 0.35):
        t = np.linspace(0, 1.25 * pi, 24)
        hook = np.column_stack((np.full(24, x), -0.09 + 0.09 * np.cos(t), 0.12 * np.sin(t)))
        parts.append(tube(hook, 0.009, metal, sides=6))
        parts += _dangling(style, (x, 0.0, 0.0), long, metal, stone)
    return SceneObject(parts, elevation=(-0.1, 0.4), azimuth=(-0.6, 0.6))


def _dangling(style: str, at: Place, long: float, metal: Look, stone: Look) -> list[Part]:
    x, y, z = at
    match style:
        case "drop":
            shape = profile([-1.0, -0.75, -0.3, 0.0], [0.001, 0.32, 0.25, 0.01]) * long
            return [lathe(shape, stone, at=(x, y, z - 0.05)), tube([at, (x, y, z - 0.06)], 0.008, metal)]
        case "string":
            places = np.linspace(0.06, long, 5)
            return [
                tube([at, (x, y, z - long)], 0.006, metal, sides=6),
                joined([ellipsoid((0.05,) * 3, stone, at=(x, y, z - down), fineness=14) for down in places]),
            ]
        case "hoop":
            return [ring(long / 2, 0.014, metal, at=(x, y, z - long / 2), turn=(pi / 2, 0, 0.4))]
        case _:
            lines = [[(x + side, y, z), (x + side * 1.6, y, z - long)] for side in np.linspace(-0.08, 0.08, 5)]
            bar = tube([(x - 0.09, y, z), (x + 0.09, y, z)], 0.012, metal)
            return [bar, joined([links(np.array(line), metal, 0.03) for line in lines])]


def rings(chance: Rng) -> SceneObject:
    """One to three finger rings, standing or lying, with or without a stone."""
    parts: list[Part] = []
    for number in range(chance.whole(1, 3)):
        metal, thick = finish(chance, "metal"), chance.uniform(0.025, 0.08)
        lean = chance.uniform(0.2, 1.57)
        at = (number * 0.9, chance.uniform(-0.3, 0.3), 0.4 * sin(lean) + thick)
        wide = chance.uniform(1, 2.5)
        parts.append(ring(0.4, thick * wide, metal, at=at, turn=(lean, 0, 0.0), flat=1 / wide, points=80))
        if chance.happens(0.7):
            top = (at[0], at[1] - 0.42 * cos(lean), at[2] + 0.42 * sin(lean))
            cut = [(0.001, -0.1), (0.11, 0.02), (0.08, 0.07), (0.001, 0.07)]
            stone = lathe(cut, _stone(chance), sides=8, at=top, turn=(pi / 2 - lean, 0, 0), smooth=False)
            parts += [stone, ring(0.1, 0.016, metal, at=top, turn=(pi / 2 - lean, 0, 0), points=24)]
    return SceneObject(parts, elevation=(0.1, 1.0))


def watch(chance: Rng) -> SceneObject:
    """A wrist watch on its closed strap, or laid out flat."""
    metal, dial = finish(chance, chance.pick(("metal", "metal", "brushed", "plastic"))), _dial(chance)
    face = _face(chance, metal, dial)
    if chance.happens(0.5):
        face += _closed_strap(chance, metal)
        return SceneObject(face, elevation=(0.3, 1.0), azimuth=(-1.0, 1.0))
    return SceneObject(face + _flat_strap(chance, metal), elevation=(0.7, 1.45), azimuth=(-0.8, 0.8))


def _dial(chance: Rng) -> Look:
    return finish(
        chance, chance.pick(("plastic", "paint", "brushed")), colour(chance, chance.pick(("white", "black", "any")))
    )


def _face(chance: Rng, metal: Look, dial: Look) -> list[Part]:
    """The case with dial, hands, marks and crown; it lies flat and its top is at z = 0."""
    r, mark = 0.42, finish(chance, "metal")
    outline = [(0.001, -0.16), (r * 0.9, -0.16), (r, -0.1), (r, -0.03), (r * 0.93, 0.0), (r * 0.88, -0.03)]
    disc = [(0.001, -0.03), (r * 0.9, -0.03)]
    parts: list[Part] = [
        lathe(outline, metal),
        lathe(disc, dial),
        ellipsoid((0.04, 0.05, 0.05), metal, at=(r + 0.03, 0, -0.08)),
    ]
    marks = [
        box((0.015, 0.06, 0.008), mark, at=(0.82 * r * sin(a), 0.82 * r * cos(a), -0.025), turn=(0, 0, -a), bevel=0)
        for a in np.linspace(0, 2 * pi, 12, endpoint=False)
    ]
    for long, wide in ((0.5, 0.03), (0.75, 0.02)):
        a = chance.uniform(0, 2 * pi)
        at = (long * r / 2 * sin(a), long * r / 2 * cos(a), -0.015)
        marks.append(box((wide, long * r, 0.008), mark, at=at, turn=(0, 0, -a), bevel=0))
    return [*parts, joined(marks)]


def _closed_strap(chance: Rng, metal: Look) -> list[Part]:
    t = np.linspace(0, 2 * pi, 90, endpoint=False)
    path = np.column_stack((np.zeros(90), 0.62 * np.sin(t), -0.62 + 0.52 * np.cos(t)))
    if chance.happens(0.4):
        plates = [
            box((0.4, 0.1, 0.05), metal, at=place, turn=(-angle, 0, 0), bevel=0.012)
            for place, angle in zip(path[::3], t[::3], strict=True)
        ]
        return [joined(plates)]
    return [tube(path, 0.03, _strap(chance), closed=True, flat=chance.uniform(5, 7.5), sides=16)]


def _flat_strap(chance: Rng, metal: Look) -> list[Part]:
    band, wide = _strap(chance), chance.uniform(0.17, 0.24)
    parts: list[Part] = []
    for way, long in ((1, 1.1), (-1, 1.5)):
        line = [
            (0, way * 0.38, -0.1),
            (0, way * (0.4 + long / 2), chance.uniform(-0.14, 0.0)),
            (0, way * (0.4 + long), -0.12),
        ]
        parts.append(tube(spline(line, 30), np.linspace(0.024, 0.018, 30), band, flat=wide / 0.024, sides=16))
    end = 0.4 + 1.1
    buckle = [
        (-wide * 1.2, end, -0.1),
        (wide * 1.2, end, -0.1),
        (wide * 1.2, end + 0.18, -0.1),
        (-wide * 1.2, end + 0.18, -0.1),
    ]
    return [
        *parts,
        tube(buckle, 0.02, metal, closed=True),
        tube([(0, end, -0.09), (0, end + 0.19, -0.08)], 0.012, metal),
    ]


def _strap(chance: Rng) -> Look:
    return finish(
        chance,
        chance.pick(("leather", "rubber", "fabric")),
        colour(chance, chance.pick(("black", "white", "earth", "any"))),
    )
