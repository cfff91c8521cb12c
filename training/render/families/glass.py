"""Glass: vessels, bulbs and lenses, where alpha is what light does not pass."""

from math import pi

import numpy as np

from training.render.families.vessels import Place, label_band, outline
from training.render.finishes import finish
from training.render.looks import Look, colour, darker, glass, sheer, tinted_glass
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import UPRIGHT, ellipsoid, lathe, profile, ring, spline, tube, wall


def vessels(chance: Rng) -> SceneObject:
    """Bottles, jars, tumblers, stemware; some with something in them, a lid or a label."""
    parts: list[Part] = []
    for number in range(chance.pick((1, 1, 2))):
        width, height = chance.uniform(0.25, 0.5), chance.uniform(0.7, 1.5)
        kind, curve = outline(chance, width, height)
        at = (number * chance.uniform(1, 1.4), chance.uniform(-0.3, 0.3), 0)
        parts.append(lathe(wall(curve, 0.04 * width + 0.008), tinted_glass(chance), sides=96, at=at))
        if chance.happens(0.45):
            parts += _content(chance, curve, width, height, at)
        if kind in {"bottle", "jar"}:
            radius = curve[-1, 0] * 1.1
            lid = [(radius, height - 0.05), (radius, height + 0.08), (0.001, height + 0.08)]
            parts.append(lathe(lid, finish(chance, chance.pick(("metal", "plastic", "wood"))), at=at))
            if chance.happens(0.4):
                parts.append(label_band(chance, curve, height, (0.2, 0.55), at, share=0.35))
        elif kind in {"cup", "can"} and chance.happens(0.4):
            straw = finish(chance, chance.pick(("stripes", "plastic", "metal")))
            top = (at[0] + width * 0.9, at[1], height * 1.3)
            parts.append(tube([(at[0] - width * 0.4, at[1], height * 0.1), top], 0.022, straw))
    return SceneObject(parts)


def _content(chance: Rng, curve: Floats, width: float, height: float, at: Place) -> list[Part]:
    """A liquid inside of an outline, clear or not."""
    level = height * chance.uniform(0.4, 0.85)
    inside = curve[(curve[:, 1] > height * 0.06) & (curve[:, 1] < level) & (curve[:, 0] > 0.06 + 0.045 * width)]
    if len(inside) < 5:
        return []
    shrunk = inside - (0.045 * width + 0.009, 0)
    body = np.concatenate([[[0.001, shrunk[0, 1]]], shrunk, [[0.001, shrunk[-1, 1]]]])
    tint = darker(colour(chance, "any"), 1.2)
    return [lathe(body, glass(tint) if chance.happens(0.6) else finish(chance, "ceramic", tint), at=at)]


def bulb(chance: Rng) -> SceneObject:
    """A light bulb with its filament."""
    size = chance.uniform(0.3, 0.42)
    neck = 0.16
    pear = profile([0, 0.1, 0.35, 0.6, 0.85, 0.95], [neck, neck * 1.05, size * 0.75, size, size * 0.6, 0.001], 60)
    clear = glass() if chance.happens(0.75) else glass((0.95, 0.85, 0.6), chance.uniform(0, 0.3))
    metal = finish(chance, chance.pick(("metal", "brushed")))
    threads = np.linspace(-0.3, 0.0, 60)
    screw = np.column_stack((neck * (0.97 + 0.06 * np.sin(threads * 130)), threads))
    parts: list[Part] = [
        lathe(wall(pear, 0.012), clear, sides=96),
        lathe(screw, metal, capped=True),
        lathe([(0.001, -0.38), (0.05, -0.37), (0.12, -0.3)], finish(chance, "plastic", colour(chance, "black"))),
    ]
    t = np.linspace(0, 1, 160)
    coil = np.stack(
        [0.2 * (t - 0.5) * 2, 0.012 * np.sin(t * 180), 0.5 + 0.012 * np.cos(t * 180) - 0.05 * (2 * t - 1) ** 2], -1
    )
    parts.append(tube(coil, 0.004, metal, sides=5))
    parts += [tube([[x * 0.3, 0, 0], [x * 0.3, 0, 0.25], [x, 0, 0.45]], 0.006, metal) for x in (-0.2, 0.2)]
    upside_down = chance.happens(0.4)
    turned = [part.moved(np.diag([1.0, -1.0, -1.0])) for part in parts] if upside_down else parts
    return SceneObject(turned)


def magnifier(chance: Rng) -> SceneObject:
    """A magnifying glass: a lens in a ring on a handle."""
    metal, grip = (
        finish(chance, chance.pick(("metal", "paint"))),
        finish(chance, chance.pick(("wood", "plastic", "rubber"))),
    )
    radius = chance.uniform(0.4, 0.6)
    lens = ellipsoid((radius * 0.97, radius * 0.97, 0.06), glass(), at=(0, 0, 1), turn=UPRIGHT)
    hoop = ring(radius, 0.04, metal, at=(0, 0, 1), turn=UPRIGHT, points=96)
    handle = lathe(profile([0, 0.1, 0.4, 0.75], [0.04, 0.08, 0.07, 0.05]), grip, at=(0, 0, 0.2 - radius))
    bar = tube([[0, 0, 0.9 - radius], [0, 0, 1.0 - radius]], 0.03, metal)
    return SceneObject([lens, hoop, handle, bar], azimuth=(-0.6, 0.6))


def flask(chance: Rng) -> SceneObject:
    """Laboratory glass: a flask with liquid and a stopper, or a row of tubes in a rack."""
    if chance.happens(0.5):
        width = chance.uniform(0.4, 0.55)
        curve = profile([0, 0.03, 0.15, 0.6, 0.75, 1.1, 1.15], [width, width, width * 0.95, 0.17, 0.13, 0.13, 0.17], 64)
        parts: list[Part] = [lathe(wall(curve, 0.02), glass(), sides=96), *_content(chance, curve, 0.3, 1.1, (0, 0, 0))]
        if chance.happens(0.5):
            cork = [(0.001, 1.08), (0.115, 1.08), (0.15, 1.3), (0.001, 1.3)]
            parts.append(lathe(cork, finish(chance, chance.pick(("rubber", "rough", "wood")))))
        return SceneObject(parts)
    rack = finish(chance, chance.pick(("wood", "metal", "plastic")))
    count = chance.whole(3, 6)
    long = 0.32 * count
    parts = [tube([[-0.2, y, z], [long - 0.12, y, z]], 0.03, rack) for y in (-0.13, 0.13) for z in (0.1, 0.55)]
    for number in range(count):
        curve = profile([0, 0.02, 0.1, 0.5, 1.0], [0.01, 0.06, 0.09, 0.09, 0.095], 48)
        parts.append(lathe(wall(curve, 0.012), glass(), at=(number * 0.32, 0, 0)))
        parts += _content(chance, curve, 0.1, 1.0, (number * 0.32, 0, 0))
    return SceneObject(parts)


def eyewear(chance: Rng) -> SceneObject:
    """Spectacles and sun glasses."""
    frame = finish(chance, chance.pick(("plastic", "metal", "paint", "speckle")))
    wide, high, round_ = chance.uniform(0.32, 0.4), chance.uniform(0.2, 0.34), chance.uniform(0.4, 1)
    thick = chance.uniform(0.012, 0.04)
    angle = np.linspace(0, 2 * pi, 64, endpoint=False)
    bent = (
        np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** round_,
        np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** round_,
    )
    lens_look = _lens(chance)
    parts: list[Part] = []
    fold = chance.uniform(-0.3, 0.15)
    for side in (-1, 1):
        edge = np.stack([side * 0.45 + wide * bent[0], np.full(64, -0.02), 0.4 + high * bent[1]], -1)
        parts.append(tube(edge, thick, frame, closed=True))
        middle = np.array([[side * 0.45, -0.05, 0.4]])
        fans = [(place, (place + 1) % 64, 64) for place in range(64)]
        parts.append(Mesh(np.concatenate([edge, middle]), fans, lens_look))
        x = side * (0.45 + wide)
        temple = [
            [x, 0, 0.45],
            [x + side * 0.05, 0.3, 0.46],
            [x + side * (0.03 + fold * 0.3), 1.2, 0.46],
            [x + side * fold * 0.5, 1.5, 0.25],
        ]
        parts.append(tube(spline(temple, 40), thick, frame, flat=1.8))
    parts.append(tube(spline([[-0.1, -0.03, 0.45], [0, -0.06, 0.52], [0.1, -0.03, 0.45]], 10), thick, frame))
    return SceneObject(parts, elevation=(0.0, 0.5))


def lamp_shade(chance: Rng) -> SceneObject:
    """A hanging lamp of glass."""
    high, wide = chance.uniform(0.4, 0.8), chance.uniform(0.3, 0.6)
    curve = profile([0, 0.2 * high, 0.6 * high, high], [wide, wide * chance.uniform(0.8, 1.1), wide * 0.6, 0.08], 48)
    shade = lathe(curve, tinted_glass(chance), thickness=0.02, sides=96)
    metal = finish(chance, chance.pick(("metal", "paint", "brushed")))
    socket = lathe([(0.09, high - 0.12), (0.09, high + 0.1), (0.001, high + 0.12)], metal)
    cable = tube([[0, 0, high + 0.1], [0, 0, high + 0.9]], 0.012, finish(chance, "fabric"))
    light = ellipsoid((0.12, 0.12, 0.15), finish(chance, "plastic", colour(chance, "white")), at=(0, 0, high * 0.6))
    sway = [light] if chance.happens(0.6) else []
    return SceneObject([shade, socket, cable, *sway], elevation=(-0.3, 0.3))


def _lens(chance: Rng) -> Look:
    if chance.happens(0.25):
        return glass()
    return sheer(chance, (0.01, 0.01, 0.012), chance.uniform(0.05, 0.95))
