"""Whole plants: leaves, stems and pot together, because networks cut the pot and lose the leaves."""

from math import cos, pi, sin

import numpy as np

from training.render.families.pots import bark, pot, tray
from training.render.finishes import finish
from training.render.foliage import UP, Foliage, stem, twig, upwards
from training.render.fur import bristles, on_surface
from training.render.looks import fibres, leaf, petal
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import ellipsoid, joined, lathe, profile, tube, unit


class _Tree:
    """Branches with leaves; they branch and get thinner and shorter as they do."""

    def __init__(self, chance: Rng, leaf_length: float, leaf_width: float) -> None:
        self._chance = chance
        self._leaf_length, self._leaf_width = leaf_length, leaf_width
        self._bark, self._leaves = bark(chance), Foliage(leaf(chance))
        self._wood: list[Mesh] = []

    @property
    def parts(self) -> list[Mesh]:
        """All wood, and all leaves."""
        return [joined(self._wood), *self._leaves.mesh]

    def grow(self, at: Floats, direction: Floats, length: float, *, radius: float = 0.025, depth: int = 2) -> None:
        """Add a branch, on it branches of its own, `depth` times, and leaves on the outer ones."""
        chance, line = self._chance, twig(self._chance, at, direction, length)
        self._wood.append(tube(line, np.linspace(radius, radius * 0.6, len(line)), self._bark, sides=6))
        for _ in range(chance.whole(2, 4) if depth else 0):
            away = unit(direction + chance.normals(0.55, 3))
            short = length * chance.uniform(0.5, 0.8)
            self.grow(line[chance.whole(4, 9)], away, short, radius=radius * 0.6, depth=depth - 1)
        for place in line[2:] if depth < 2 else ():
            self._leaves.leaf(
                place, direction * 0.4 + chance.normals(0.8, 3) + UP * 0.2, up=UP + chance.normals(0.2, 3),
                length=self._leaf_length * chance.uniform(0.6, 1.2), width=self._leaf_width * chance.uniform(0.7, 1.2),
                droop=chance.uniform(0, 0.8),
            )  # fmt: skip


def shrub(chance: Rng) -> SceneObject:
    """A bush of branches with small leaves, in a pot."""
    parts, earth = pot(chance)
    tree = _Tree(chance, chance.uniform(0.1, 0.3), chance.uniform(0.03, 0.1))
    for _ in range(chance.pick((1, 2, 4))):
        foot = np.array([*chance.uniforms(-0.05, 0.05, 2), earth])
        tree.grow(foot, upwards(chance, 0.3), chance.uniform(0.5, 0.9))
    return SceneObject([*parts, *tree.parts])


def branch(chance: Rng) -> SceneObject:
    """A cut branch without a pot."""
    tree = _Tree(chance, chance.uniform(0.1, 0.35), chance.uniform(0.02, 0.12))
    tree.grow(np.zeros(3), upwards(chance, 0.4), 0.9)
    return SceneObject([*tree.parts])


def bonsai(chance: Rng) -> SceneObject:
    """A small tree in a flat tray: a bent trunk, branches, and clouds of tiny leaves or needles."""
    parts, earth = tray(chance)
    look, green = bark(chance), leaf(chance)
    height, lean = chance.uniform(0.7, 1.1), chance.uniform(-0.35, 0.35)
    knots = [[0, 0, earth], [lean, 0.05, earth + height * 0.35], [-lean * 0.4, 0, earth + height * 0.7],
             [lean * 0.6, 0, earth + height]]  # fmt: skip
    trunk, wood = stem(knots, look, 0.09, 0.03, 40)
    woods, leaves = [wood], Foliage(green)
    needles = chance.happens(0.4)
    pads = [trunk[-1]]
    for place in trunk[14:-2:5]:
        angle = chance.uniform(0, 2 * pi)
        end = place + np.array([cos(angle), 0.6 * sin(angle), 0.15]) * chance.uniform(0.25, 0.5)
        woods.append(tube(twig(chance, place, unit(end - place), float(np.linalg.norm(end - place))),
                          np.linspace(0.025, 0.012, 10), look, sides=6))  # fmt: skip
        pads.append(end)
    for pad in pads:
        _pad(chance, pad, leaves, needles=needles)
    return SceneObject([*parts, joined(woods), *leaves.mesh], elevation=(-0.05, 0.45))


def _pad(chance: Rng, at: Floats, leaves: Foliage, *, needles: bool) -> None:
    """A flat cloud of leaves about the end of a branch."""
    wide = chance.uniform(0.16, 0.3)
    spots = chance.normals(1, 400 if needles else 150, 3) * (wide * 0.5, wide * 0.45, wide * 0.2)
    for spot in spots:
        size = chance.uniform(0.05, 0.09)
        direction = spot * 2 + UP * 0.15 + chance.normals(0.1, 3)
        leaves.leaf(at + spot, direction, length=size, width=0.006 if needles else size * 0.35, droop=0.2, steps=4,
                    up=UP + chance.normals(0.5, 3))  # fmt: skip


def big_leaves(chance: Rng) -> SceneObject:
    """Large leaves on long stalks, as rubber trees, peace lilies and bananas have."""
    parts, earth = pot(chance)
    leaves, stalks = Foliage(leaf(chance)), []
    slim = chance.uniform(0.2, 0.5)
    look = leaf(chance)
    for number in range(chance.whole(6, 16)):
        angle = number * 2.4 + chance.uniform(-0.3, 0.3)
        reach, height = chance.uniform(0.1, 0.45), chance.uniform(0.3, 1.0)
        tip = np.array([cos(angle) * reach, sin(angle) * reach, earth + height])
        line, stalk = stem([[0, 0, earth], [tip[0] * 0.4, tip[1] * 0.4, earth + height * 0.6], tip], look, 0.016, 0.008)
        stalks.append(stalk)
        length = chance.uniform(0.3, 0.6)
        ahead = unit(line[-1] - line[-3]) + np.array([cos(angle), sin(angle), 0]) * chance.uniform(0.4, 1.5)
        leaves.leaf(tip, ahead, length=length, width=length * slim * 0.5, droop=chance.uniform(0.1, 0.9), steps=12,
                    fold=chance.uniform(0.1, 0.5))  # fmt: skip
    return SceneObject([*parts, joined(stalks), *leaves.mesh])


def swords(chance: Rng) -> SceneObject:
    """Stiff or arching blades from one heart: snake plants, aloes, dracaenas, spider plants."""
    parts, earth = pot(chance)
    leaves = Foliage(leaf(chance))
    count, arch = chance.whole(12, 60), chance.pick((0.05, 0.4, 0.9))
    width = chance.uniform(0.015, 0.05)
    for number in range(count):
        tilt = chance.uniform(0.1, 0.7 + arch * 0.5)
        out = np.array([cos(number * 2.4) * tilt, sin(number * 2.4) * tilt, 1.0])
        leaves.leaf(
            (*chance.normals(0.04, 2), earth), out, length=chance.uniform(0.4, 1.0), width=width, fold=0.5,
            droop=arch * chance.uniform(0.6, 1.1), steps=12, shape=0.5, up=UP * 0.4 - out * (1, 1, 0),
        )  # fmt: skip
    return SceneObject([*parts, *leaves.mesh])


def palm(chance: Rng) -> SceneObject:
    """A palm: fronds that arch from a short trunk, each with two rows of leaflets."""
    parts, earth = pot(chance)
    leaves, ribs = Foliage(leaf(chance)), []
    look = leaf(chance)
    heart = np.array([0, 0, earth + chance.uniform(0.05, 0.5)])
    trunk = tube([[0, 0, earth], heart], [0.06, 0.05], bark(chance), sides=10)
    for angle in np.linspace(0, 2 * pi, chance.whole(7, 15)):
        rise, length = chance.uniform(0.6, 2.2), chance.uniform(0.6, 1.1)
        ahead = unit(np.array([cos(angle), sin(angle), rise]))
        t = np.linspace(0, 1, 24)[:, None]
        rib = heart + ahead * t * length - UP * chance.uniform(0.2, 0.7) * length * t**2
        ribs.append(tube(rib, np.linspace(0.012, 0.003, 24), look, sides=6))
        frond(leaves, rib, length * 0.32, 0.014)
    return SceneObject([*parts, trunk, joined(ribs), *leaves.mesh])


def frond(leaves: Foliage, rib: Floats, length: float, width: float) -> None:
    """Two rows of leaflets along a rib [N,3], longest in its middle."""
    along = unit(np.gradient(rib, axis=0))
    across = unit(np.cross(along[len(rib) // 3], UP))
    for place in range(3, len(rib)):
        size = length * sin(pi * (place + 1) / (len(rib) + 2)) + 0.03
        for side in (-1, 1):
            leaves.leaf(rib[place], along[place] * 0.7 + side * across, length=size, width=width, droop=0.3, steps=5)


def flowers(chance: Rng) -> SceneObject:
    """A pot or a bunch of flowers on stalks, with leaves below."""
    parts: list[Part] = []
    earth = 0.0
    if chance.happens(0.7):
        parts, earth = pot(chance)
    look, colour_look = leaf(chance), petal(chance)
    leaves, petals, stalks, hearts = Foliage(look), Foliage(colour_look), [], []
    petal_count, size, cup = chance.whole(5, 18), chance.uniform(0.1, 0.22), chance.uniform(0.1, 0.9)
    yellow = finish(chance, "rough", (0.6, 0.4, 0.02))
    for _ in range(chance.whole(3, 11)):
        head = np.array([chance.uniform(-0.45, 0.45), chance.uniform(-0.35, 0.35), earth + chance.uniform(0.5, 1.1)])
        line, stalk = stem([[0, 0, earth], head * (0.5, 0.5, 0.5) + (0, 0, earth * 0.5), head], look, 0.012, 0.009)
        stalks.append(stalk)
        _bloom(head, unit(head * (1, 1, 0) + (0, -0.4, 0.7)), petals, count=petal_count, size=size, cup=cup)
        hearts.append(ellipsoid((size * 0.25,) * 3, yellow, at=head, fineness=10))
        for place in line[4:14:3]:
            leaves.leaf(place, chance.normals(0.7, 3) + UP * 0.5, length=chance.uniform(0.12, 0.3), width=0.03)
    return SceneObject([*parts, joined(stalks), joined(hearts), *leaves.mesh, *petals.mesh])


def _bloom(at: Floats, axis: Floats, petals: Foliage, *, count: int, size: float, cup: float) -> None:
    """A flower head that looks along `axis`; `cup` is how far its petals stand up."""
    side = unit(np.cross(axis, [0.1, 1, 0.2]))
    other = np.cross(axis, side)
    for angle in np.linspace(0, 2 * pi, count, endpoint=False):
        out = side * cos(angle) + other * sin(angle) + axis * cup
        petals.leaf(at, out, length=size, width=size * 0.24, up=axis, droop=0.1, fold=0.15)


def trailing(chance: Rng) -> SceneObject:
    """Ivy and strings of leaves that hang over the rim of a pot, from above a bracket or a shelf."""
    parts, earth = pot(chance)
    leaves, vines = Foliage(leaf(chance)), []
    look = leaf(chance)
    size = chance.uniform(0.06, 0.16)
    for _ in range(chance.whole(6, 16)):
        angle, reach, hang = chance.uniform(0, 2 * pi), chance.uniform(0.38, 0.55), chance.uniform(0.2, 1.3)
        out = np.array([cos(angle), sin(angle), 0])
        over, middle, low = earth + 0.14, earth - hang * 0.4, earth - hang
        ways = ((0.1, earth), (reach * 0.8, over), (reach, middle), (reach + 0.03, low))
        knots = np.array([out * away + UP * level for away, level in ways])
        line, vine = stem(knots + chance.normals(0.02, 4, 3), look, 0.008, 0.004, 28)
        vines.append(vine)
        for place in line[3:]:
            ahead = out * 0.5 + chance.normals(0.6, 3)
            leaves.leaf(place, ahead, length=size * chance.uniform(0.6, 1.2), width=size * 0.42, shape=0.55, droop=0.6)
    return SceneObject([*parts, joined(vines), *leaves.mesh], elevation=(-0.15, 0.4))


def cactus(chance: Rng) -> SceneObject:
    """A cactus with its spines."""
    parts, earth = pot(chance)
    green = leaf(chance)
    bodies: list[Mesh] = []
    height, width = chance.uniform(0.25, 0.9), chance.uniform(0.13, 0.22)
    outline = profile([0, height * 0.15, height * 0.6, height * 0.95, height], [0.8, 1, 0.95, 0.45, 0.01], 40)
    outline[:, 0] *= width
    bodies.append(lathe(outline, green, at=(0, 0, earth), sides=96, ribs=0.08, rib_count=chance.whole(8, 16)))
    for side in (-1, 1) if chance.happens(0.5) and height > 0.5 else ():
        level = earth + height * chance.uniform(0.3, 0.6)
        knots = [[0, 0, level], [side * width * 1.6, 0, level + 0.03], [side * width * 1.9, 0, level + height * 0.45]]
        bodies.append(stem(knots, green, width * 0.4, width * 0.25)[1])
    roots, normals = on_surface(chance, bodies, chance.whole(500, 1600))
    directions = np.repeat(normals, 4, 0) + chance.normals(0.6, 4 * len(roots), 3)
    spines = bristles(chance, np.repeat(roots, 4, 0), unit(directions), fibres((0.7, 0.6, 0.4)), length=0.06,
                      radius=0.0018, steps=3)  # fmt: skip
    return SceneObject([*parts, *bodies, spines])
