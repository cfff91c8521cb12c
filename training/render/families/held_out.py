"""Things that no training sees: kinds of their own, for the pictures of products that networks are judged by.

None of these belongs to a family, so that no batch can bring it. A kind that moves from here to a family is to be
replaced here.
"""

from collections.abc import Callable
from dataclasses import replace
from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import Look, colour
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    UPRIGHT,
    Place,
    around,
    box,
    ellipsoid,
    joined,
    lathe,
    offset,
    profile,
    ring,
    spline,
    tube,
)  # fmt: skip

STANDING = (0.05, 0.6)
SHELLS = ("plastic", "plastic", "paint", "rubber")


def shell(chance: Rng, shade: str) -> Look:
    """What most of a product is made of, of a shade that `colour` knows."""
    return finish(chance, chance.pick(SHELLS[:3] if shade == "white" else SHELLS), colour(chance, shade))


def earbuds(chance: Rng, shade: str) -> SceneObject:
    """Two buds on stems beside or in their open case."""
    case, metal = shell(chance, shade), finish(chance, "metal")
    dark = finish(chance, "rubber", colour(chance, "black"))
    parts: list[Part] = [ellipsoid((0.42, 0.17, 0.3), case, at=(0, 0.35, 0.3), boxy=(0.6, 0.7), fineness=32)]
    if chance.happens(0.6):
        parts.append(ellipsoid((0.42, 0.17, 0.12), case, at=(0, 0.5, 0.68), turn=(-1.0, 0, 0), boxy=(0.6, 0.7)))
    for side in (-1, 1):
        x, lean = side * 0.32, (chance.uniform(-0.4, 0.4), side * 0.2, 0.0)
        stem = tube([[x, -0.3, 0.02], [x, -0.3, 0.38]], [0.038, 0.045], case, sides=16)
        bud = ellipsoid((0.1, 0.085, 0.085), case, at=(x - side * 0.04, -0.32, 0.42), turn=lean, fineness=20)
        tip = ellipsoid((0.05, 0.05, 0.06), dark, at=(x - side * 0.11, -0.36, 0.42), turn=lean, fineness=14)
        parts += [stem, bud, tip, ring(0.039, 0.006, metal, at=(x, -0.3, 0.03), points=20, sides=6)]
    return SceneObject(parts, elevation=(0.2, 0.8))


def hair_dryer(chance: Rng, shade: str) -> SceneObject:
    """A hair dryer, standing on its end, with its cord on the ground."""
    case, black = shell(chance, shade), finish(chance, "plastic", colour(chance, chance.pick(("black", shade))))
    barrel = profile([0, 0.1, 0.7, 1.0], [0.24, 0.26, 0.22, 0.17])
    grip = spline([[0, 0.1, 0.85], [0, 0.12, 0.5], [0, 0.2, 0.05]], 24)
    t = np.linspace(0, 1, 160)[:, None]
    bend = spline(chance.normals(0.35, 6, 2), 160)
    way = (bend - bend[0]) + t * (chance.uniform(-1.2, 1.2), 0.6)
    cord = np.column_stack((way[:, 0], way[:, 1] + 0.2, np.full(160, 0.02)))
    parts: list[Part] = [
        lathe(barrel, case, at=(0, 0.5, 1.0), turn=(pi / 2, 0, 0), thickness=0.015),
        lathe([(0.001, 0), (0.25, 0)], black, at=(0, 0.48, 1.0), turn=(pi / 2, 0, 0)),
        tube(grip, np.linspace(0.1, 0.085, 24), case, sides=20),
        box((0.05, 0.03, 0.14), black, at=(0, 0.0, 0.6), bevel=0.01),
        tube(cord, 0.018, black, sides=8),
    ]
    return SceneObject(parts, elevation=STANDING)


def office_chair(chance: Rng, shade: str) -> SceneObject:
    """A swivel chair on a star of five castors."""
    frame, cover = shell(chance, shade), finish(chance, chance.pick(("fabric", "leather")), colour(chance, shade))
    dark = finish(chance, "rubber", colour(chance, "black"))
    parts: list[Part] = [
        ellipsoid((0.5, 0.48, 0.09), cover, at=(0, 0, 0.9), boxy=(0.6, 0.5), fineness=30),
        ellipsoid(
            (0.45, 0.06, chance.uniform(0.4, 0.6)), cover, at=(0, 0.52, 1.55), turn=(-0.12, 0, 0), boxy=(0.6, 0.5)
        ),
        tube([[0, 0, 0.15], [0, 0, 0.85]], 0.045, frame),
        tube(spline([[0, 0.2, 0.85], [0, 0.6, 0.95], [0, 0.58, 1.4]], 20), 0.04, frame, flat=2),
    ]
    for angle in np.linspace(0.3, 2 * pi + 0.3, 5, endpoint=False):
        foot = (0.55 * cos(angle), 0.55 * sin(angle), 0.1)
        parts += [
            tube([(0, 0, 0.2), foot], 0.035, frame),
            ellipsoid((0.06,) * 3, dark, at=(*foot[:2], 0.06), fineness=14),
        ]
    for side in (-1, 1) if chance.happens(0.7) else ():
        arm = [[side * 0.35, 0.1, 0.88], [side * 0.62, 0.1, 0.9], [side * 0.62, 0.05, 1.25], [side * 0.6, -0.3, 1.27]]
        parts.append(tube(spline(arm, 30), 0.03, frame))
    return SceneObject(parts, elevation=(0.05, 0.45))


def router(chance: Rng, shade: str) -> SceneObject:
    """A flat box with two to four thin aerials and a cable."""
    case, black = shell(chance, shade), finish(chance, "plastic", colour(chance, "black"))
    count, wide = chance.whole(2, 4), chance.uniform(0.6, 0.8)
    parts: list[Part] = [box((2 * wide, 0.8, 0.18), case, at=(0, 0, 0.1), bevel=0.06)]
    for x in np.linspace(-wide * 0.9, wide * 0.9, count):
        lean = chance.normal(0, 0.2)
        top = (x + lean, 0.45, 0.1 + chance.uniform(0.7, 1.1))
        parts += [tube([(x, 0.42, 0.1), top], [0.035, 0.022], case, sides=12)]
    cable = spline([[0.3, 0.4, 0.08], [0.5, 0.8, 0.03], [1.0, 0.9, 0.02], [1.4, chance.uniform(0, 0.8), 0.02]], 50)
    lights = [ellipsoid((0.015,) * 3, black, at=(x, -0.4, 0.1), fineness=8) for x in np.linspace(-0.2, 0.2, 5)]
    return SceneObject([*parts, tube(cable, 0.018, black), joined(lights)], elevation=(0.15, 0.7))


def gamepad(chance: Rng, shade: str) -> SceneObject:
    """A game controller with sticks, keys and a cable."""
    case, key = shell(chance, shade), finish(chance, "plastic", colour(chance, chance.pick(("black", "grey", "any"))))
    parts: list[Part] = [ellipsoid((0.5, 0.28, 0.12), case, at=(0, 0, 0.2), boxy=(0.8, 0.7), fineness=30)]
    for side in (-1, 1):
        parts.append(ellipsoid((0.17, 0.36, 0.12), case, at=(side * 0.47, -0.2, 0.16), turn=(0.2, 0, side * 0.25)))
        stick = profile([0, 0.05, 0.1, 0.12], [0.05, 0.045, 0.09, 0.001])
        parts.append(lathe(stick, key, at=(side * 0.2, -0.12, 0.28), sides=32))
    keys = [
        lathe([(0.001, 0.03), (0.04, 0.028), (0.042, 0)], key, at=(0.38 + 0.09 * x, 0.06 + 0.09 * y, 0.28))
        for x, y in ((0, 1), (0, -1), (1, 0), (-1, 0))
    ]
    cable = spline(
        [
            [0, 0.25, 0.2],
            [0.05, 0.5, 0.05],
            [chance.uniform(-0.8, 0.8), 0.7, 0.02],
            [chance.uniform(-0.6, 0.6), 1.0, 0.02],
        ],
        60,
    )
    return SceneObject([*parts, joined(keys), tube(cable, 0.016, key, sides=8)], elevation=(0.4, 1.1))


def pan(chance: Rng, shade: str) -> SceneObject:
    """A pan with a long handle, or a pot with a lid and two ears."""
    case, black = shell(chance, shade), finish(chance, "plastic", colour(chance, chance.pick(("black", "earth"))))
    r, high = chance.uniform(0.5, 0.65), chance.uniform(0.15, 0.5)
    outline = [(0.001, 0.0), (r * 0.9, 0.0), (r, high), (r * 0.97, high), (r * 0.87, 0.03), (0.001, 0.03)]
    parts: list[Part] = [lathe(outline, case)]
    if chance.happens(0.5):
        handle = [[r * 0.98, 0, high * 0.8], [r + 0.3, 0, high + 0.05], [r + 0.95, 0, high + 0.1]]
        parts.append(tube(spline(handle, 30), np.linspace(0.03, 0.05, 30), black, flat=1.4))
        return SceneObject(parts, elevation=(0.3, 1.0))
    a = np.linspace(-0.35, 0.35, 20)
    for side in (0, pi):
        ear = np.stack(
            [
                (r + 0.16 - 1.2 * a**2) * np.cos(a + side),
                (r + 0.16 - 1.2 * a**2) * np.sin(a + side),
                0 * a + high * 0.8,
            ],
            -1,
        )
        parts.append(tube(ear, 0.025, black))
    lid = profile([0, 0.08, 0.14], [r, r * 0.6, 0.001])
    parts += [
        lathe(lid, case, at=(0, 0, high)),
        ellipsoid((0.08, 0.08, 0.05), black, at=(0, 0, high + 0.2), fineness=16),
    ]
    return SceneObject(parts, elevation=(0.15, 0.7))


def scooter(chance: Rng, shade: str) -> SceneObject:
    """A kick scooter: a board, a long post and two small wheels."""
    paint, dark = shell(chance, shade), finish(chance, "rubber", colour(chance, "black"))
    metal, top = finish(chance, chance.pick(("metal", "paint"))), chance.uniform(1.1, 1.4)
    parts: list[Part] = [
        box((1.0, 0.2, 0.05), paint, at=(0, 0, 0.2), bevel=0.02),
        tube(spline([[0.48, 0, 0.2], [0.62, 0, 0.35], [0.66, 0, 0.5]], 16), 0.045, paint),
        tube([[0.72, 0, 0.2], [0.58, 0, top]], 0.03, metal),
        tube([[0.58, -0.3, top], [0.58, 0.3, top]], 0.022, metal),
    ]
    parts += [tube([[0.58, y, top], [0.58, y * 0.7, top]], 0.032, dark) for y in (-0.32, 0.32)]
    for x in (-0.6, 0.73):
        parts += [
            ring(0.11, 0.035, dark, at=(x, 0, 0.15), turn=UPRIGHT),
            ring(0.05, 0.03, metal, at=(x, 0, 0.15), turn=UPRIGHT),
        ]
    return SceneObject(parts, elevation=(0.05, 0.4), azimuth=(-0.7, 0.7))


def arc_lamp(chance: Rng, shade: str) -> SceneObject:
    """A lamp that hangs from a long bent rod."""
    paint, wide = shell(chance, shade), chance.uniform(0.2, 0.32)
    reach, high = chance.uniform(0.7, 1.1), chance.uniform(1.5, 2.0)
    a = np.linspace(0, pi * 0.95, 50)
    rod = np.stack(
        [reach * (1 - np.cos(a)) / 1.1, 0 * a, 0.05 + high * np.sin(np.minimum(a, pi / 2)) * 0.98 + 0.15 * np.sin(a)],
        -1,
    )
    rod[25:, 2] -= np.linspace(0, 1, 25) ** 2 * 0.5
    end = rod[-1]
    bowl = profile([0, 0.1, 0.22, 0.27], [wide, wide * 0.95, wide * 0.5, 0.02])
    foot = lathe([(0.001, 0), (0.32, 0), (0.32, 0.06), (0.001, 0.07)], paint)
    return SceneObject(
        [foot, tube(rod, 0.016, paint), lathe(bowl, paint, at=end - (0, 0, 0.27), thickness=0.008)],
        elevation=(0.0, 0.35),
        azimuth=(-0.7, 0.7),
    )


def tripod(chance: Rng, shade: str) -> SceneObject:
    """A tripod with braces and a pan handle."""
    paint, high = shell(chance, shade), chance.uniform(1.0, 1.4)
    bars: list[Mesh] = []
    for angle in (0.4, 0.4 + 2 * pi / 3, 0.4 + 4 * pi / 3):
        out = np.array([cos(angle), sin(angle), 0.0])
        foot, hip = 0.55 * out, 0.08 * out + (0, 0, high)
        bars += [tube([foot, (foot + hip) / 2], 0.018, paint), tube([(foot + hip) / 2, hip], 0.027, paint)]
        bars.append(tube([(foot * 0.6 + hip * 0.4), (0, 0, high * 0.45)], 0.01, paint, sides=6))
    parts: list[Part] = [
        joined(bars),
        tube([[0, 0, high * 0.4], [0, 0, high + 0.25]], 0.025, paint),
        box((0.2, 0.14, 0.09), paint, at=(0, 0, high + 0.28), bevel=0.02),
        tube([[0, 0, high + 0.22], [0.2, -0.45, high + 0.05]], 0.014, paint),
    ]
    return SceneObject(parts, elevation=(0.0, 0.4))


def iron(chance: Rng, shade: str) -> SceneObject:
    """A flat iron: a pointed sole and a handle with a gap beneath it."""
    case, metal = shell(chance, shade), finish(chance, "metal")
    t = np.linspace(0, 1, 24)
    half = 0.28 * np.sqrt(1 - t**2.2)
    rim = np.concatenate([np.column_stack((half, 1.1 * t - 0.5)), np.column_stack((-half, 1.1 * t - 0.5))[::-1]])
    parts: list[Part] = [_slab(rim, 0.0, 0.05, metal), _slab(rim * 0.94, 0.05, 0.2, case)]
    handle = spline([[0, -0.42, 0.15], [0, -0.4, 0.5], [0, -0.1, 0.58], [0, 0.2, 0.5], [0, 0.42, 0.2]], 40)
    cord = spline(
        [
            [0, -0.42, 0.5],
            [chance.uniform(-0.4, 0.4), -0.8, 0.4],
            [0.4, -1.0, 0.03],
            [chance.uniform(0.4, 1), -0.6, 0.02],
        ],
        60,
    )
    return SceneObject(
        [*parts, tube(handle, 0.06, case, flat=1.2, sides=18), tube(cord, 0.018, case, sides=8)],
        elevation=(0.15, 0.6),
        azimuth=(0.6, 2.4),
    )


def _slab(rim: np.ndarray[tuple[int, ...], np.dtype[np.float64]], low: float, thick: float, look: Look) -> Mesh:
    """A plate of the outline [N,2] from height `low` up."""
    count = len(rim)
    corners = np.concatenate([np.column_stack((rim, np.full(count, z))) for z in (low, low + thick)])
    walls = [[i, (i + 1) % count, count + (i + 1) % count, count + i] for i in range(count)]
    return Mesh(
        corners, [list(range(count))[::-1], [count + i for i in range(count)], *walls], look, smooth=False, bevel=0.015
    )


def guitar(chance: Rng, shade: str) -> SceneObject:
    """A guitar, leaning, with its strings."""
    top, neck, metal = shell(chance, shade), finish(chance, "wood"), finish(chance, "metal")
    a = np.linspace(0, 2 * pi, 72, endpoint=False)
    r = 0.42 + 0.1 * np.cos(2 * a) - 0.05 * np.sin(a) + 0.06 * np.cos(a)
    body = _slab(np.column_stack((r * np.sin(a) * 0.9, r * np.cos(a) * 1.25)), -0.09, 0.18, top)
    dark = finish(chance, "plastic", colour(chance, "black"))
    parts: list[Mesh] = [
        body,
        lathe([(0.001, 0.093), (0.14, 0.093)], dark, at=(0, 0.05, 0)),
        box((0.3, 0.06, 0.04), neck, at=(0, -0.3, 0.1)),
        box((0.12, 1.2, 0.05), neck, at=(0, 1.0, 0.09), bevel=0.01),
        box((0.17, 0.3, 0.04), neck, at=(0, 1.72, 0.08), bevel=0.02),
    ]
    parts.append(
        joined([tube([[x, -0.3, 0.13], [x, 1.65, 0.125]], 0.003, metal, sides=5) for x in np.linspace(-0.05, 0.05, 6)])
    )
    pegs = [
        ellipsoid((0.05, 0.02, 0.02), metal, at=(side * 0.13, 1.62 + 0.09 * n, 0.08), fineness=10)
        for side in (-1, 1)
        for n in range(3)
    ]
    upright = np.array([[1.0, 0, 0], [0, 0.2, -0.98], [0, 0.98, 0.2]])
    return SceneObject(
        [part.moved(upright) for part in [*parts, joined(pegs)]], elevation=(0.0, 0.4), azimuth=(-0.7, 0.7)
    )


def coat_rack(chance: Rng, shade: str) -> SceneObject:
    """A rack on a post with bent hooks, sometimes with a cap on one."""
    paint, high = shell(chance, shade), chance.uniform(1.5, 1.9)
    parts: list[Part] = [tube([[0, 0, 0], [0, 0, high]], 0.03, paint)]
    for level, reach in ((high, 0.2), (high * 0.85, 0.15)):
        for angle in np.linspace(0, 2 * pi, 4, endpoint=False) + level:
            way = np.array([cos(angle), sin(angle), 0.0])
            hook = spline(
                [
                    (0, 0, level - 0.15),
                    way * reach * 0.8 + (0, 0, level - 0.12),
                    way * reach * 1.3 + (0, 0, level + 0.05),
                ],
                20,
            )
            parts.append(tube(hook, 0.016, paint))
    for angle in np.linspace(0.2, 0.2 + 2 * pi, 4, endpoint=False):
        leg = spline(
            [(0, 0, 0.3), (0.2 * cos(angle), 0.2 * sin(angle), 0.25), (0.42 * cos(angle), 0.42 * sin(angle), 0.0)], 16
        )
        parts.append(tube(leg, 0.022, paint))
    return SceneObject(parts, elevation=(0.0, 0.35))


def tiara(chance: Rng, shade: str) -> SceneObject:
    """A hair band of wire with points and stones."""
    metal, stone = finish(chance, "metal"), finish(chance, "ceramic", colour(chance, shade))
    t = np.linspace(-1.9, 1.9, 90)
    band = np.column_stack((0.7 * np.sin(t), -0.7 * np.cos(t) * 0.9, np.full(90, 0.08)))
    parts: list[Part] = [tube(band, 0.018, metal)]
    wires, stones = [], []
    for number, angle in enumerate(np.linspace(-1.1, 1.1, chance.pick((7, 9, 11)))):
        high = (0.45 - 0.25 * abs(angle)) * (1.0 if number % 2 == 0 else 0.7)
        foot = np.array([0.7 * sin(angle), -0.63 * cos(angle), 0.08])
        side = np.array([cos(angle), 0.9 * sin(angle), 0.0]) * 0.08
        tip = offset(foot, 0, 0, high)
        for way in (side, -side):
            bent = spline([foot + way, offset(foot + 0.6 * way, 0, 0, high * 0.6), tip], 12)
            wires.append(tube(bent, 0.009, metal, sides=6))
        stones.append(ellipsoid((0.035,) * 3, stone, at=offset(tip, 0, 0, 0.03), fineness=12))
    return SceneObject([*parts, joined(wires), joined(stones)], elevation=(0.05, 0.5), azimuth=(-0.6, 0.6))


def belt(chance: Rng, shade: str) -> SceneObject:
    """A belt rolled up, with its buckle."""
    strap = finish(chance, chance.pick(("leather", "fabric")), colour(chance, shade))
    metal, turns = finish(chance, "metal"), chance.uniform(1.3, 2.6)
    t = np.linspace(0, 2 * pi * turns, 200)
    r = 0.25 + 0.06 * t / (2 * pi) + 0.05 * t
    path = np.column_stack((r * np.cos(t), r * np.sin(t), np.full(200, 0.13)))
    end = _place(path[-1])
    along = float(np.arctan2(*(path[-1] - path[-3])[[1, 0]]))
    frame = around(0.16, 4) * (0.9, 1, 1)
    buckle = tube(frame, 0.02, metal, closed=True, sides=8)
    stand = np.array([[cos(along), 0.0, -sin(along)], [sin(along), 0.0, cos(along)], [0.0, 1.0, 0.0]])
    return SceneObject([tube(path, 0.016, strap, flat=7, sides=16), buckle.moved(stand, end)], elevation=(0.25, 0.9))


def _place(point: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Place:
    return tuple(float(each) for each in point)


HeldOut = Callable[[Rng, str], SceneObject]

KINDS: tuple[HeldOut, ...] = (
    earbuds, hair_dryer, office_chair, router, gamepad, pan, scooter, arc_lamp, tripod, iron, guitar, coat_rack, tiara,
    belt,
)  # fmt: skip


def held_out(chance: Rng, kind: HeldOut, shade: str, brightness: tuple[float, float] | None) -> SceneObject:
    """A thing that no training sees, of a shade that `colour` knows."""
    return replace(kind(chance, shade), brightness=brightness)
