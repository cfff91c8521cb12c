"""Wire and jewellery: thin metal that must neither vanish nor grow fat."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import colour, darker, glass
from training.render.rng import Floats, Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import UPRIGHT, ellipsoid, frames, joined, lathe, profile, ring, spline, tube

METAL = ("metal", "metal", "brushed", "paint")


def spring(chance: Rng) -> SceneObject:
    """One or more springs, straight or bent, of round or flat wire."""
    wire = finish(chance, chance.pick((*METAL, "plastic")))
    parts: list[Part] = []
    for number in range(chance.pick((1, 1, 2, 3))):
        turns, radius = chance.whole(6, 22), chance.uniform(0.12, 0.3)
        t = np.linspace(0, 1, turns * 24)
        bend = chance.uniform(-0.6, 0.6)
        axis = np.stack([bend * t**2 + number * 0.7, 0 * t, t * chance.uniform(0.8, 1.5)], -1)
        _, normal, other = frames(axis)
        angle = (t * turns * 2 * pi)[:, None]
        cone = (radius * (1 - chance.pick((0.0, 0.0, 0.5)) * t))[:, None]
        path = axis + cone * (np.cos(angle) * normal + np.sin(angle) * other)
        parts.append(tube(path, chance.uniform(0.008, 0.03), wire, sides=8, flat=chance.pick((1.0, 1.0, 2.5))))
    return SceneObject(parts)


def whisk(chance: Rng) -> SceneObject:
    """A kitchen whisk: loops of wire on a handle."""
    wire, grip = finish(chance, "metal"), finish(chance, chance.pick(("wood", "plastic", "metal", "rubber")))
    t = np.linspace(0, 1, 40)
    wide, long = chance.uniform(0.18, 0.32), chance.uniform(0.7, 1.0)
    loops = []
    for angle in np.linspace(0, pi, chance.whole(5, 11), endpoint=False):
        out = wide * np.sin(2 * pi * t)
        rise = 0.7 + long * np.sin(pi * t)
        loops.append(tube(np.stack([out * cos(angle), out * sin(angle), rise], -1), 0.007, wire, sides=6))
    handle = lathe(profile([0, 0.1, 0.5, 0.75], [0.03, 0.06, 0.05, 0.045]), grip)
    eye = ring(0.06, 0.012, wire, at=(0, 0, -0.06), turn=UPRIGHT)
    return SceneObject([joined(loops), handle, eye])


def hanger(chance: Rng) -> SceneObject:
    """A wire coat hanger."""
    wire = finish(chance, chance.pick((*METAL, "plastic")))
    thick = chance.uniform(0.01, 0.03)
    half = np.array([[0, 0.45], [-0.5, 0.18], [-0.75, 0.04], [-0.7, 0]])
    x, z = np.concatenate([half, half[::-1] * (-1, 1)]).T
    body = spline(np.column_stack((x, 0 * x, z)), 120)
    t = np.linspace(1.25 * pi, -0.4, 30)
    hook = np.concatenate(
        [np.stack([0.1 * np.cos(t), 0 * t, 0.72 + 0.1 * np.sin(t)], -1), [[0, 0, 0.55], [0, 0, 0.43]]]
    )
    return SceneObject([tube(body, thick, wire), tube(spline(hook, 60), thick, wire)], azimuth=(-0.7, 0.7))


def tangle(chance: Rng) -> SceneObject:
    """A heap or sculpture of bent wire, or paper clips in a row."""
    wire = finish(chance, chance.pick((*METAL, "rubber", "plastic")))
    thick = chance.uniform(0.006, 0.02)
    if chance.happens(0.5):
        lines = [
            spline(chance.normals(0.4, chance.whole(6, 14), 3) + np.array([0, 0, 0.9]), 240)
            for _ in range(chance.whole(1, 3))
        ]
        return SceneObject([tube(line, thick, wire, sides=8) for line in lines])
    return SceneObject(
        [tube(_clip(n * 0.42, chance.uniform(-0.4, 0.4)), thick, wire, sides=8) for n in range(chance.whole(2, 5))]
    )


def _clip(x: float, lean: float) -> Floats:
    loop = (
        (0.1, 0.75), (0.1, 0.2), (0, 0.1), (-0.1, 0.2), (-0.1, 0.85), (0.03, 1.0), (0.15, 0.85), (0.15, 0.12),
        (0, -0.02), (-0.16, 0.12), (-0.16, 0.7),
    )  # fmt: skip
    line = spline(loop, 90)
    return np.column_stack((x + line[:, 0] + lean * line[:, 1] * 0.5, 0.02 * np.arange(90) / 90, line[:, 1]))


def chain(chance: Rng) -> SceneObject:
    """A chain of links, closed to a loop or hanging."""
    metal = finish(chance, chance.pick((*METAL, "plastic")))
    path, along = _loop(chance, chance.whole(16, 40))
    thick = chance.uniform(0.09, 0.15)
    links = []
    for number, (place, step) in enumerate(zip(path, along, strict=True)):
        length = float(np.linalg.norm(step))
        turn = np.column_stack(_link_axes(step, number * pi / 2 + 0.3))
        link = ring(length * 0.42, length * thick, metal, wide=1.6, points=28, sides=8)
        links.append(link.moved(turn, place))
    return SceneObject([joined(links)])


def necklace(chance: Rng) -> SceneObject:
    """A string of beads, with or without a pendant."""
    metal, stone = finish(chance, "metal"), finish(chance, chance.pick(("ceramic", "paint", "marble", "speckle")))
    path, along = _loop(chance, chance.whole(20, 60))
    size = chance.uniform(0.3, 0.5)
    beads = [
        ellipsoid((float(np.linalg.norm(s)) * size,) * 3, metal, at=p, fineness=12)
        for p, s in zip(path, along, strict=True)
    ]
    parts: list[Part] = [joined(beads[::2]), tube(path, 0.006, metal, closed=True, sides=5)]
    others = [
        ellipsoid((float(np.linalg.norm(s)) * size,) * 3, stone, at=p, fineness=12)
        for p, s in zip(path, along, strict=True)
    ]
    parts.append(joined(others[1::2]))
    if chance.happens(0.6):
        gem = [(0.001, 0.0), (0.12, 0.15), (0.15, 0.22), (0.09, 0.28), (0.001, 0.28)]
        look = glass(darker(colour(chance, "pastel"), 1.1)) if chance.happens(0.4) else finish(chance, "metal")
        low = path[path[:, 2].argmin()]
        parts.append(lathe(gem, look, sides=8, at=(low[0], low[1] - 0.03, low[2] - 0.3), smooth=False))
    return SceneObject(parts)


def _loop(chance: Rng, count: int) -> tuple[Floats, Floats]:
    """Points [N,3] on a hanging loop, and the step from each to the next."""
    t = np.linspace(0, 2 * pi, count, endpoint=False)
    sag, wave = chance.uniform(0, 0.25), chance.uniform(0.05, 0.15)
    path = np.stack([0.7 * np.cos(t) * (1 + sag * np.sin(t)), wave * np.sin(3 * t), 0.8 + 0.7 * np.sin(t)], -1)
    return path, np.roll(path, -1, 0) - path


def _link_axes(along: Floats, roll: float) -> tuple[Floats, Floats, Floats]:
    x = along / np.linalg.norm(along)
    y = np.cross([0.1, 0.9, 0.3], x)
    y /= np.linalg.norm(y)
    z = np.cross(x, y)
    return x, y * cos(roll) + z * sin(roll), z * cos(roll) - y * sin(roll)


def jewel(chance: Rng) -> SceneObject:
    """A finger ring or a pair of hoops with stones."""
    metal = finish(chance, "metal")
    if chance.happens(0.4):
        hoop = chance.uniform(0.25, 0.4)
        hoops = [
            ring(hoop, chance.uniform(0.012, 0.04), metal, at=(x, 0, 0.5), turn=(pi / 2, 0, x)) for x in (-0.45, 0.45)
        ]
        hooks = [
            tube(spline([[x, 0, 0.5 + hoop], [x, 0.05, 0.6 + hoop], [x, 0.12, 0.5 + hoop]], 16), 0.01, metal)
            for x in (-0.45, 0.45)
        ]
        return SceneObject([*hoops, *hooks])
    parts: list[Part] = [ring(0.6, chance.uniform(0.04, 0.09), metal, at=(0, 0, 0.65), turn=UPRIGHT, points=96)]
    stones = chance.pick((1, 1, 3, 5))
    look = glass(darker(colour(chance, "pastel"), 1.1)) if chance.happens(0.5) else finish(chance, "paint")
    for number in range(stones):
        angle = (number - (stones - 1) / 2) * 0.35
        seat = (0.66 * sin(angle), 0.0, 0.65 + 0.68 * cos(angle))
        cut = [(0.001, -0.16), (0.16, 0.02), (0.12, 0.1), (0.001, 0.1)]
        parts.append(lathe(cut, look, sides=8, at=seat, turn=(0, angle, 0), smooth=False))
        parts.append(ring(0.14, 0.02, metal, at=seat, turn=(0, angle, 0), points=24))
    return SceneObject(parts)
