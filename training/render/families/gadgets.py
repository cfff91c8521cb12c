"""Devices: cameras, loudspeakers, telephones, computers, headphones, clocks, lamps, robots."""

from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.labels import label
from training.render.looks import Look, colour, printed
from training.render.rng import Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import (
    UPRIGHT,
    box,
    ellipsoid,
    joined,
    lathe,
    offset,
    panel,
    profile,
    ring,
    spline,
    tube,
)


def _case(chance: Rng) -> tuple[Look, Look, Look]:
    """Looks of a device: its case, its fittings, and black plastic."""
    return (
        finish(chance, chance.pick(("plastic", "paint", "brushed", "rubber", "leather"))),
        finish(chance, chance.pick(("metal", "brushed", "plastic"))),
        finish(chance, "plastic", colour(chance, "black")),
    )


def _screen(chance: Rng) -> Look:
    if chance.happens(0.5):
        return printed(label(chance, 320, 320), 0.06)
    return finish(chance, "plastic", (0.004, 0.004, 0.006))


def _knob(radius: float, look: Look, at: tuple[float, float, float]) -> Mesh:
    steps = [(0.001, 0.0), (radius, 0.0), (radius * 0.95, 0.06), (radius * 0.8, 0.07), (0.001, 0.07)]
    return lathe(steps, look, at=at, turn=UPRIGHT, sides=40)


def camera(chance: Rng) -> SceneObject:
    """A camera with its lens, sometimes with a strap."""
    case, fittings, black = _case(chance)
    parts: list[Part] = [
        box((1.2, 0.4, 0.75), case, at=(0, 0, 0.375), bevel=0.08),
        box((0.4, 0.35, 0.2), case, at=(0, 0, 0.8), bevel=0.05),
    ]
    radius = chance.uniform(0.24, 0.32)
    for wide, deep in ((1.0, 0.2), (0.93, 0.35), (1.02, chance.uniform(0.45, 0.8))):
        r = radius * wide
        steps = [(r, 0.0), (r, deep), (r * 0.8, deep + 0.01), (r * 0.7, deep - 0.1), (0.001, deep - 0.12)]
        parts.append(lathe(steps, chance.pick((black, fittings)), at=(0, -0.2, 0.37), turn=UPRIGHT))
    parts.append(_knob(0.08, fittings, (-0.45, -0.1, 0.77)))
    parts.append(lathe([(0.09, 0), (0.09, 0.08), (0.001, 0.08)], fittings, at=(0.4, 0, 0.75)))
    if chance.happens(0.5):
        t = np.linspace(0, 1, 60)
        high = chance.uniform(0.4, 0.9)
        strap = np.stack(
            [-0.6 + 1.2 * t + 0.3 * np.sin(t * 9), 0.1 + 0.3 * np.sin(t * 5), 0.6 + high * np.sin(t * pi)], -1
        )
        parts.append(tube(strap, 0.03, finish(chance, "fabric"), flat=0.2))
    return SceneObject(parts)


def speaker(chance: Rng) -> SceneObject:
    """A loudspeaker box."""
    _, fittings, black = _case(chance)
    wide, deep, high = chance.uniform(0.6, 1), chance.uniform(0.4, 0.7), chance.uniform(0.9, 1.6)
    case = finish(chance, chance.pick(("wood", "plastic", "paint")))
    parts: list[Part] = [box((wide, deep, high), case, at=(0, 0, high / 2), bevel=chance.uniform(0.01, 0.1))]
    level = high
    for r in (wide * 0.36, wide * 0.2):
        level -= r * 1.1
        cone = [(r, 0.0), (r, 0.03), (r * 0.92, 0.04), (r * 0.8, 0.0), (r * 0.4, -0.08), (0.001, -0.03)]
        parts.append(lathe(cone, black, at=(0, -deep / 2 - 0.002, level), turn=UPRIGHT))
        parts.append(ring(r, 0.018, fittings, at=(0, -deep / 2 - 0.02, level), turn=UPRIGHT))
        level -= r * 1.05
    return SceneObject(parts)


def phone(chance: Rng) -> SceneObject:
    """A telephone or tablet, standing or in a stand."""
    case, fittings, _ = _case(chance)
    wide, tilt = chance.uniform(0.55, 0.95), chance.uniform(-0.4, 0.2)
    lean = (tilt, 0.0, 0.0)
    front = np.array([0, -0.0325 * cos(tilt), 0.6 - 0.0325 * sin(tilt)])
    parts: list[Part] = [
        box((wide, 0.06, 1.2), case, at=(0, 0, 0.6), turn=lean, bevel=0.05),
        panel(wide * 0.92, 1.12, _screen(chance), at=front, turn=lean),
    ]
    if chance.happens(0.4):
        parts.append(tube(spline([[0, 0.5, -0.03], [0, 0.1, 0.0], [0, 0.04, 0.3]], 12), 0.04, fittings, flat=3))
        parts.append(box((wide * 0.8, 0.5, 0.04), fittings, at=(0, 0.2, -0.02)))
    return SceneObject(parts, azimuth=(-0.7, 0.7))


def laptop(chance: Rng) -> SceneObject:
    """An open laptop."""
    _, fittings, black = _case(chance)
    open_ = chance.uniform(0.05, 0.5)
    middle = np.array([0, 0.5 + 0.5 * sin(open_), 0.05 + 0.5 * cos(open_)])
    lean = (-open_, 0.0, 0.0)
    keys = [
        box((0.095, 0.085, 0.012), black, at=(-0.6 + i * 0.109, 0.3 - j * 0.1, 0.055), bevel=0.005)
        for i in range(12) for j in range(5)
    ]  # fmt: skip
    screen = panel(
        1.4, 0.88, _screen(chance), at=offset(middle, 0, -0.022 * cos(open_), -0.022 * sin(open_)), turn=lean
    )
    base = box((1.5, 1, 0.05), fittings, at=(0, 0, 0.025))
    return SceneObject(
        [base, box((1.5, 0.04, 1), fittings, at=middle, turn=lean), screen, joined(keys)], elevation=(0.1, 0.8)
    )


def headphones(chance: Rng) -> SceneObject:
    """Headphones, with or without a cable."""
    case, _, black = _case(chance)
    pad = finish(chance, "leather")
    t = np.linspace(-0.1, pi + 0.1, 60)
    inner = t[12:-12]
    parts: list[Part] = [
        tube(np.stack([0.6 * np.cos(t), 0 * t, 0.7 + 0.65 * np.sin(t)], -1), 0.04, case, flat=1.8),
        tube(np.stack([0.55 * np.cos(inner), 0 * inner, 0.69 + 0.62 * np.sin(inner)], -1), 0.05, pad, flat=1.6),
    ]
    for side in (-1, 1):
        shell = ellipsoid((0.12, 0.3, 0.34), case, at=(side * 0.6, 0, 0.55), turn=(0, side * 0.15, 0), boxy=(0.6, 0.8))
        parts += [shell, ring(0.24, 0.09, pad, at=(side * 0.49, 0, 0.55), turn=(0, pi / 2, 0), wide=1.2)]
    if chance.happens(0.6):
        parts.append(_cable(chance, (-0.6, 0, 0.25), black))
    return SceneObject(parts)


def _cable(chance: Rng, start: tuple[float, float, float], look: Look) -> Mesh:
    wander = np.cumsum(spline(chance.normals(0.03, 6, 3), 80), 0) * (1, 1, 0.2)
    along = np.linspace(0, 1, 80)[:, None] * (chance.uniform(-0.5, 0.5), -0.2, -0.2)
    return tube(np.array(start) + wander - wander[0] + along, 0.015, look)


def clock(chance: Rng) -> SceneObject:
    """A clock with hands, on feet, sometimes with bells."""
    case, fittings, black = _case(chance)
    r = chance.uniform(0.5, 0.7)
    face = finish(chance, "plastic", colour(chance, chance.pick(("white", "pastel", "black"))))
    parts: list[Part] = [
        ring(r, chance.uniform(0.04, 0.1), case, at=(0, 0, r), turn=UPRIGHT),
        lathe([(0.001, 0), (r, 0), (r, 0.1), (0.001, 0.1)], face, at=(0, 0.05, r), turn=UPRIGHT),
    ]
    for hour in range(12):
        a = hour * pi / 6
        at = (r * 0.82 * sin(a), -0.06, r + r * 0.82 * cos(a))
        parts.append(
            box((0.03, 0.02, 0.1), fittings if face.colours[0][0] < 0.1 else black, at=at, turn=(0, a, 0), bevel=0.004)
        )
    for long, wide in ((0.5, 0.035), (0.7, 0.025)):
        a = chance.uniform(0, 6)
        at = (long * r / 2 * sin(a), -0.075, r + long * r / 2 * cos(a))
        parts.append(box((wide, 0.02, long * r), fittings, at=at, turn=(0, a, 0), bevel=0.004))
    bells = chance.happens(0.5)
    for side in (-1, 1):
        parts.append(box((0.05, 0.05, 0.3), fittings, at=(side * r * 0.6, 0, 0.05), turn=(0, -side * 0.4, 0)))
        if bells:
            parts.append(ellipsoid((0.2, 0.2, 0.12), fittings, at=(side * r * 0.6, 0, r * 2), turn=(0, side * 0.6, 0)))
    return SceneObject(parts, azimuth=(-0.7, 0.7))


def desk_lamp(chance: Rng) -> SceneObject:
    """A lamp on a jointed arm."""
    case, fittings, black = _case(chance)
    joint = np.array([chance.uniform(-0.5, 0.5), chance.uniform(-0.3, 0.3), 0.8])
    head = np.array([chance.uniform(-0.3, 0.6), chance.uniform(-0.3, 0.3), 1.5])
    shade = profile([0, 0.05, 0.3, 0.45], [0.08, 0.1, 0.25, chance.uniform(0.3, 0.4)], 24)
    return SceneObject(
        [
            lathe([(0.001, 0), (0.35, 0), (0.35, 0.05), (0.05, 0.08)], case),
            tube([np.array([0, 0, 0.05]), joint], 0.03, fittings),
            tube([joint, head], 0.03, fittings),
            ellipsoid((0.06,) * 3, black, at=joint, fineness=14),
            lathe(
                shade,
                case,
                at=head,
                turn=(pi + chance.uniform(-0.8, 0.8), chance.uniform(-0.6, 0.6), 0),
                thickness=0.01,
            ),
        ]
    )


def robot(chance: Rng) -> SceneObject:
    """A toy robot of boxes."""
    case, fittings, black = _case(chance)
    white = finish(chance, "plastic", colour(chance, "white"))
    body, head = (0.6, 0.4, 0.6), (0.45, 0.36, 0.35)
    level = 0.35
    parts: list[Part] = [
        box(body, case, at=(0, 0, level + 0.3), bevel=0.06),
        box(head, case, at=(0, 0, level + 0.8), bevel=0.06),
        panel(0.35, 0.25, printed(label(chance, 256, 192), 0.3), at=(0, -0.203, level + 0.35)),
        tube([[0, 0, level + 0.95], [0, 0, level + 1.25]], 0.012, fittings),
        ellipsoid((0.05,) * 3, finish(chance, "paint"), at=(0, 0, level + 1.25), fineness=14),
    ]
    lift = chance.uniform(0.2, 0.9)
    for side in (-1, 1):
        hand = np.array([side * 0.6, -0.2, level + lift])
        arm = spline([[side * 0.3, 0, level + 0.45], [side * 0.5, chance.uniform(-0.2, 0.2), level + 0.4], hand], 20)
        parts += [tube(arm, 0.05, fittings), ellipsoid((0.09,) * 3, black, at=hand, fineness=16)]
        parts += [
            tube([[side * 0.17, 0, 0.05], [side * 0.17, 0, 0.4]], 0.07, fittings),
            box((0.2, 0.32, 0.1), black, at=(side * 0.18, -0.05, 0.05)),
        ]
        parts.append(ellipsoid((0.07, 0.05, 0.07), white, at=(side * 0.11, -0.18, level + 0.84), fineness=16))
    parts += [_knob(0.04, black, (x, -0.2, level + 0.12)) for x in (-0.15, 0.0, 0.15)]
    return SceneObject(parts, azimuth=(-0.8, 0.8))
