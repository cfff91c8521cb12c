"""Nets, grids and weaves: things with holes that show the background."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import UPRIGHT, ellipsoid, joined, lathe, ring, tube

WIRE = ("metal", "brushed", "plastic", "paint", "rubber")
FRONTAL = (-0.6, 0.6)


def net(chance: Rng) -> SceneObject:
    """A hanging net of crossing cords, straight or slanted."""
    cord = finish(chance, chance.pick((*WIRE, "fabric", "rough")))
    count, radius, depth = chance.whole(8, 24), chance.uniform(0.004, 0.013), chance.uniform(0, 0.25)
    f, g, shift = chance.uniform(1, 5), chance.uniform(1, 5), chance.uniform(0, 6)
    slanted = chance.happens(0.6)
    t = np.linspace(-0.8, 0.8, 70)
    cords = []
    for across in np.linspace(-0.8, 0.8, count):
        for way in (0, 1):
            x, z = (np.full(70, across), t) if way else (t, np.full(70, across))
            over = radius * np.sin((t + across) * count * 4) * (0.6 if way else -0.6)
            y = depth * np.sin(f * x + shift) * np.cos(g * z) + over
            if slanted:
                x, z = (x - z) * 0.707, (x + z) * 0.707
            cords.append(tube(np.stack([x, y, z + 1], -1), radius, cord, sides=6))
    return SceneObject([joined(cords), *_frame(chance, 1.13 if slanted else 0.8, diamond=slanted)], azimuth=FRONTAL)


def _frame(chance: Rng, half: float, *, diamond: bool) -> list[Part]:
    """Four bars around a net, or none."""
    if chance.happens(0.4):
        return []
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1)] if not diamond else [(0, -1), (1, 0), (0, 1), (-1, 0)]
    bar = finish(chance, chance.pick(("wood", "metal", "paint")))
    ends = [np.array([x * half, 0, 1 + z * half]) for x, z in corners]
    return [joined([tube([a, b], 0.03, bar) for a, b in zip(ends, ends[1:] + ends[:1], strict=True)])]


def fence(chance: Rng) -> SceneObject:
    """Chain-link wire between posts: each wire bends back and forth and hooks into the next."""
    wire = finish(chance, chance.pick(("metal", "brushed", "paint", "plastic")))
    columns, rows = chance.whole(7, 16), chance.whole(6, 12)
    pitch, radius = 1.8 / columns, chance.uniform(0.005, 0.011)
    steps = np.arange(2 * rows + 1)
    wires = []
    for column in range(columns):
        # Neighbours mirror each other, so that their corners meet.
        bend = (steps + column) % 2
        points = np.stack([(column + bend) * pitch - 0.9, radius * 2 * (bend - 0.5), steps * pitch], -1)
        wires.append(tube(np.repeat(points, 2, 0) + np.tile([[0, 0, -0.01], [0, 0, 0.01]], (len(steps), 1)), radius,
                          wire, sides=6))  # fmt: skip
    top = 2 * rows * pitch
    post = finish(chance, chance.pick(("metal", "wood", "paint")))
    posts = [tube([[x, 0, -0.1], [x, 0, top + 0.1]], 0.035, post) for x in (-0.92, 0.92 + pitch)]
    rails = [tube([[-0.92, 0, z], [0.92 + pitch, 0, z]], 0.015, post) for z in (0.0, top)]
    return SceneObject([joined(wires), *posts, *rails], azimuth=FRONTAL)


def sieve(chance: Rng) -> SceneObject:
    """A kitchen sieve: a bowl of fine wire mesh with a rim and a handle."""
    steel = finish(chance, chance.pick(("metal", "brushed")))
    radius, count = chance.uniform(0.45, 0.6), chance.whole(18, 34)
    depth = radius * chance.uniform(0.6, 1.0)
    thin = chance.uniform(0.0035, 0.006)
    wires = []
    for across in np.linspace(-0.97, 0.97, count) * radius:
        reach = float(np.sqrt(radius**2 - across**2))
        t = np.linspace(-reach, reach, 40)
        down = -depth * np.sqrt(np.maximum(0, 1 - (t**2 + across**2) / radius**2))
        wires.append(tube(np.stack([np.full(40, across), t, down], -1), thin, steel, sides=5))
        wires.append(tube(np.stack([t, np.full(40, across), down + thin], -1), thin, steel, sides=5))
    grip = finish(chance, chance.pick(("wood", "plastic", "metal", "rubber")))
    length = chance.uniform(0.6, 1.1)
    handle = [tube([[radius, 0, 0], [radius + 0.25, 0, 0]], 0.02, steel),
              tube([[radius + 0.2, 0, 0], [radius + length, 0, 0.02]], [0.035, 0.05], grip, flat=0.6)]  # fmt: skip
    hook = tube([[-radius, 0.08, 0], [-radius - 0.1, 0, 0], [-radius, -0.08, 0]], 0.012, steel)
    whole: list[Part] = [joined(wires), ring(radius, 0.028, steel, flat=1.3), hook, *handle]
    return SceneObject(whole, elevation=(0.1, 1.1), azimuth=(-1.2, 1.2))


def basket(chance: Rng) -> SceneObject:
    """A woven basket, empty or with fruit."""
    reed = finish(chance, chance.pick(("wood", "rough", "plastic", "fabric")))
    rows, ribs, height = chance.whole(9, 20), 2 * chance.whole(10, 22), chance.uniform(0.4, 0.9)
    angle, radius = np.linspace(0, 2 * pi, 160, endpoint=False), height / rows * chance.uniform(0.25, 0.42)

    def wide(z: float | Floats) -> Floats:
        return np.asarray(0.5 + 0.25 * np.sin(np.asarray(z) / height * 1.4))

    weave = []
    for row in range(rows):
        z = (row + 0.5) * height / rows
        out = wide(z) + radius * 1.1 * np.sin(angle * ribs / 2 + pi * row)
        path = np.stack([out * np.cos(angle), out * np.sin(angle), np.full(160, z)], -1)
        weave.append(tube(path, radius, reed, closed=True, sides=6))
    up = np.linspace(0, height, 12)
    weave += [
        tube(np.stack([wide(up) * cos(a), wide(up) * sin(a), up], -1), 0.014, reed, sides=6)
        for a in np.linspace(0, 2 * pi, ribs, endpoint=False)
    ]
    top = float(wide(height))
    parts: list[Part] = [joined(weave), ring(top, radius * 1.3, reed, at=(0, 0, height))]
    parts.append(lathe([(0.001, 0), (0.5, 0), (0.5, 0.02), (0.001, 0.02)], reed))
    if chance.happens(0.6):
        t = np.linspace(0, pi, 50)
        arch = np.stack([top * np.cos(t), 0 * t, height + chance.uniform(0.4, 0.7) * np.sin(t)], -1)
        parts.append(tube(arch, 0.035, reed))
    if chance.happens(0.4):
        parts += _fruit(chance, 7, 0.3, height)
    return SceneObject(parts)


def _fruit(chance: Rng, count: int, within: float, height: float) -> list[Mesh]:
    skin = finish(chance, "ceramic", colour(chance, "any"))
    places = np.column_stack((chance.uniforms(-within, within, count, 2), height + chance.uniforms(-0.05, 0.1, count)))
    return [ellipsoid((0.17, 0.17, 0.16), skin, at=at, fineness=18) for at in places]


def net_bag(chance: Rng) -> SceneObject:
    """A shopping net, full of fruit, with handles."""
    cord = finish(chance, chance.pick(("fabric", "plastic")), colour(chance))
    count, radius = chance.whole(14, 26), chance.uniform(0.005, 0.01)
    z = np.linspace(0, 1, 60)
    belly = 0.42 * np.sin(pi * np.clip(z * 0.85 + 0.08, 0, 1)) ** 0.6
    cords = []
    for start in np.linspace(0, 2 * pi, count, endpoint=False):
        for way in (-1, 1):
            angle = start + way * z * chance.uniform(2.2, 2.4)
            cords.append(tube(np.stack([belly * np.cos(angle), belly * np.sin(angle), z], -1), radius, cord, sides=5))
    t = np.linspace(0, pi, 30)
    rim = float(belly[-1])
    for depth in (-1, 1):
        arch = np.stack([rim * np.cos(t), depth * rim * 0.5 * np.sin(t), 1 + 0.4 * np.sin(t)], -1)
        cords.append(tube(arch, 0.014, cord))
    skin = finish(
        chance, chance.pick(("ceramic", "rough")), chance.pick(((0.85, 0.3, 0.02), (0.5, 0.05, 0.03), (0.4, 0.5, 0.05)))
    )
    fruit = [
        ellipsoid((0.15, 0.15, 0.145), skin, at=(0.2 * cos(n * 2.4), 0.2 * sin(n * 2.4), 0.17 + 0.055 * n), fineness=18)
        for n in range(chance.whole(5, 11))
    ]
    return SceneObject([joined(cords), ring(rim, 0.014, cord, at=(0, 0, 1)), *fruit])


def racket(chance: Rng) -> SceneObject:
    """A tennis or badminton racket: strings in a hoop, a shaft and a grip."""
    rim, string = finish(chance, chance.pick(("paint", "plastic", "metal"))), finish(chance, "plastic", colour(chance))
    wide, high = chance.uniform(0.36, 0.46), chance.uniform(0.46, 0.58)
    top = 1.55
    strings = []
    count = chance.whole(12, 22)
    thin = chance.uniform(0.0035, 0.006)
    for at in np.linspace(-0.94, 0.94, count):
        reach = float(np.sqrt(1 - at**2))
        strings.append(
            tube([[at * wide, 0, top - reach * high], [at * wide, 0, top + reach * high]], thin, string, sides=5)
        )
        strings.append(
            tube([[-reach * wide, 0, top + at * high], [reach * wide, 0, top + at * high]], thin, string, sides=5)
        )
    t = np.linspace(0, 2 * pi, 80, endpoint=False)
    hoop = tube(np.stack([wide * np.cos(t), 0 * t, top + high * np.sin(t)], -1), 0.026, rim, closed=True)
    low = top - high
    forked = [tube([[s * 0.2, 0, low + 0.07], [s * 0.03, 0, low - 0.28]], 0.022, rim) for s in (-1, 1)]
    shaft = tube([[0, 0, low - 0.26], [0, 0, 0.45]], 0.026, rim)
    grip = tube([[0, 0, 0.5], [0, 0, 0]], [0.042, 0.048], finish(chance, chance.pick(("leather", "rubber"))), sides=8)
    return SceneObject([joined(strings), hoop, *forked, shaft, grip], azimuth=FRONTAL)


def cage(chance: Rng) -> SceneObject:
    """A bird cage or wire rack, sometimes with somebody in it."""
    wire = finish(chance, chance.pick(WIRE))
    height, radius = chance.uniform(0.8, 1.3), chance.uniform(0.007, 0.014)
    up = np.linspace(0, 1, 30)
    out = 0.5 * np.where(up < 0.65, 1, np.cos((up - 0.65) / 0.35 * pi / 2))
    bars = [
        tube(np.stack([out * cos(a), out * sin(a), up * height], -1), radius, wire, sides=6)
        for a in np.linspace(0, 2 * pi, chance.whole(12, 28), endpoint=False)
    ]
    rings = [ring(0.5, radius * 1.5, wire, at=(0, 0, level * height)) for level in (0, 0.33, 0.65)]
    parts: list[Part] = [joined(bars), *rings, ring(0.08, 0.015, wire, at=(0, 0, height + 0.08), turn=UPRIGHT)]
    parts.append(lathe([(0.001, 0), (0.52, 0), (0.52, 0.04), (0.001, 0.04)], finish(chance)))
    if chance.happens(0.5):
        feathers = finish(chance, "rough", colour(chance, "any"))
        parts.append(ellipsoid((0.14, 0.2, 0.12), feathers, at=(0, 0, 0.4), fineness=18))
        parts.append(ellipsoid((0.09,) * 3, feathers, at=(0, -0.18, 0.52), fineness=14))
    return SceneObject(parts)


def grating(chance: Rng) -> SceneObject:
    """A perforated sheet, a grille or a doily: rings next to each other in a frame."""
    look: Look = finish(chance, chance.pick(("metal", "paint", "wood", "plastic")))
    count = chance.whole(5, 11)
    pitch = 1.5 / count
    thick = pitch * chance.uniform(0.06, 0.14)
    rings = [
        ring(pitch * 0.5, thick, look, at=((i + 0.5 * (j % 2)) * pitch - 0.75, 0, j * pitch * 0.87 + 0.2), turn=UPRIGHT,
             points=28, sides=6)
        for i in range(count) for j in range(count)
    ]  # fmt: skip
    return SceneObject([joined(rings)], azimuth=FRONTAL)
