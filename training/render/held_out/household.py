"""Things for the home that no training sees: office chairs, pans, scooters, arc lamps, coat racks."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.held_out.shell import shell
from training.render.looks import colour
from training.render.rng import Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import (
    UPRIGHT,
    box,
    ellipsoid,
    lathe,
    profile,
    ring,
    spline,
    tube,
)


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
