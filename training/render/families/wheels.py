"""Wheels with spokes, and what rolls on them."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import UPRIGHT, Place, box, ellipsoid, joined, offset, ring, spline, tube

SIDEWAYS = (-0.6, 0.6)


def _wheel(at: Place, radius: float, *, spokes: int, metal: Look, tyre: Look, thick: float) -> list[Mesh]:
    """A wheel in the plane y = const: a tyre `thick` radii thick, rim, hub and crossing spokes."""
    x, y, z = at
    hub = radius * 0.06
    wires = []
    for number in range(spokes):
        angle = 2 * pi * number / spokes
        # Spokes leave the hub sideways, in pairs that cross.
        start = angle + (0.9 if number % 4 < 2 else -0.9)
        flange = 0.07 * radius * (1 if number % 2 else -1)
        inner = (x + hub * cos(start), y + flange, z + hub * sin(start))
        wires.append(
            tube(
                [inner, (x + 0.9 * radius * cos(angle), y, z + 0.9 * radius * sin(angle))],
                0.006 * radius,
                metal,
                sides=5,
            )
        )
    return [
        ring(radius, radius * thick, tyre, at=at, turn=UPRIGHT, points=96),
        ring(radius * 0.91, radius * 0.035, metal, at=at, turn=UPRIGHT, points=96),
        tube([[x, y - 0.1 * radius, z], [x, y + 0.1 * radius, z]], hub, metal, sides=20),
        joined(wires),
    ]


def wheel(chance: Rng) -> SceneObject:
    """One bicycle wheel, sometimes still in its fork."""
    metal, tyre = (
        finish(chance, chance.pick(("metal", "brushed", "paint"))),
        finish(chance, "rubber", colour(chance, "black")),
    )
    parts: list[Part] = [
        *_wheel(
            (0, 0, 0.8), 0.75, spokes=2 * chance.whole(8, 20), metal=metal, tyre=tyre, thick=chance.uniform(0.045, 0.08)
        )
    ]
    if chance.happens(0.4):
        paint = finish(chance, "paint")
        for side in (-0.12, 0.12):
            blade = spline([[0, side, 0.8], [-0.2, side, 1.4], [-0.3, side * 0.6, 1.75]], 20)
            parts.append(tube(blade, 0.03, paint))
        parts.append(tube([[-0.29, 0, 1.72], [-0.36, 0, 2.0]], 0.045, paint))
    return SceneObject(parts, elevation=(-0.05, 0.5))


def bicycle(chance: Rng) -> SceneObject:
    """A whole bicycle from the side."""
    metal, tyre = finish(chance, chance.pick(("metal", "brushed"))), finish(chance, "rubber", colour(chance, "black"))
    paint, black = finish(chance, "paint"), finish(chance, "rubber", colour(chance, "black"))
    radius, base = 0.36, chance.uniform(0.98, 1.12)
    rear, front = np.array([0, 0, radius]), np.array([base, 0, radius])
    crank, seat, head = np.array([0.42, 0, 0.3]), np.array([0.26, 0, 0.82]), np.array([base - 0.22, 0, 0.86])
    low_head = head + np.array([0.04, 0, -0.14])
    spokes = 2 * chance.whole(9, 18)
    thick = chance.uniform(0.045, 0.08)
    parts: list[Part] = []
    for hub in (rear, front):
        parts += _wheel(hub, radius, spokes=spokes, metal=metal, tyre=tyre, thick=thick)
    bar = head if chance.happens(0.7) else low_head - (0.02, 0, 0.06)
    frame = [
        (crank, seat),
        (seat * (0.98, 1, 0.95), bar),
        (crank, low_head),
        (head, low_head),
        (rear, crank),
        (rear, seat * (1, 1, 0.93)),
    ]
    parts.append(joined([tube([a, b], 0.018, paint, sides=12) for a, b in frame]))
    for side in (-0.05, 0.05):
        fork = [offset(low_head, 0, side, 0), offset(front, -0.05, side, 0.15), offset(front, 0, side, 0)]
        parts.append(tube(spline(fork, 16), 0.014, paint))
    grip_height = head[2] + chance.uniform(0.05, 0.2)
    stem_top = np.array([head[0] - 0.03, 0, grip_height])
    parts.append(tube([head, stem_top], 0.014, metal))
    handle = spline(
        [
            offset(stem_top, -0.15, -0.3, 0),
            offset(stem_top, 0.06, -0.2, 0.02),
            stem_top,
            offset(stem_top, 0.06, 0.2, 0.02),
            offset(stem_top, -0.15, 0.3, 0),
        ],
        40,
    )
    parts.append(tube(handle, 0.013, metal))
    post = offset(seat, -0.02, 0, chance.uniform(0.06, 0.16))
    parts += [
        tube([seat, post], 0.013, metal),
        ellipsoid((0.13, 0.06, 0.03), black, at=post, boxy=(0.8, 0.9), fineness=16),
    ]
    parts.append(ring(0.09, 0.01, metal, at=crank, turn=UPRIGHT, points=40))
    for side in (-1, 1):
        foot = offset(crank, side * 0.12, side * 0.06, -side * 0.1)
        parts += [
            tube([offset(crank, 0, side * 0.05, 0), foot], 0.01, metal),
            box((0.09, 0.08, 0.02), black, at=offset(foot, 0, side * 0.04, 0), bevel=0.005),
        ]
    if chance.happens(0.35):
        parts.append(_carrier_basket(finish(chance, chance.pick(("metal", "wood"))), head))
    return SceneObject(parts, elevation=(-0.05, 0.35), azimuth=SIDEWAYS)


def _carrier_basket(wire: Look, head: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Mesh:
    """A wire basket before the handlebar."""
    bars = []
    for level in np.linspace(-0.12, 0.12, 5):
        corners = [(0.05, -0.16), (0.3, -0.16), (0.3, 0.16), (0.05, 0.16)]
        bars.append(tube([offset(head, x, y, level) for x, y in corners], 0.004, wire, closed=True, sides=5))
    for x, y in [(x, y) for x in np.linspace(0.05, 0.3, 6) for y in (-0.16, 0.16)] + [
        (x, y) for x in (0.05, 0.3) for y in np.linspace(-0.13, 0.13, 6)
    ]:
        bars.append(tube([offset(head, x, y, -0.12), offset(head, x, y, 0.12)], 0.003, wire, sides=5))
    return joined(bars)


def fan(chance: Rng) -> SceneObject:
    """A table fan: blades behind a round grille of wire."""
    metal, paint = (
        finish(chance, chance.pick(("metal", "paint"))),
        finish(chance, chance.pick(("plastic", "paint", "metal"))),
    )
    centre = np.array([0, 0, 1.0])
    wires = [
        ring(r, 0.006, metal, at=offset(centre, 0, -0.1 + 0.12 * (r / 0.5) ** 2, 0), turn=UPRIGHT, points=56, sides=6)
        for r in np.linspace(0.1, 0.5, chance.whole(5, 9))
    ]
    for angle in np.linspace(0, 2 * pi, chance.whole(16, 36), endpoint=False):
        reach = np.linspace(0.06, 0.5, 8)
        for side in (-1, 1):
            bulge = side * 0.12 * (1 - (reach / 0.5) ** 2) + 0.02
            wires.append(
                tube(np.stack([reach * cos(angle), bulge, 1.0 + reach * sin(angle)], -1), 0.005, metal, sides=5)
            )
    blades = [
        ellipsoid(
            (0.2, 0.015, 0.11),
            paint,
            at=offset(centre, 0.24 * cos(a), 0.02, 0.24 * sin(a)),
            turn=(0.4, -a, 0),
            fineness=14,
        )
        for a in np.linspace(0, 2 * pi, chance.pick((3, 4, 5)), endpoint=False)
    ]
    hub = ellipsoid((0.08, 0.06, 0.08), paint, at=offset(centre, 0, -0.08, 0), fineness=16)
    motor = ellipsoid((0.12, 0.18, 0.12), paint, at=offset(centre, 0, 0.25, 0), fineness=18)
    pole = tube([[0, 0.2, 0], [0, 0.2, 0.95]], 0.04, paint)
    foot = ellipsoid((0.32, 0.28, 0.05), paint, at=(0, 0.1, 0), fineness=20)
    return SceneObject([joined(wires), *blades, hub, motor, pole, foot])
