"""What shops show: chargers, telephones, kettles, lamps, bags with straps; and things of one pale or dark colour."""

from collections.abc import Callable
from dataclasses import replace
from math import cos, pi, sin

import numpy as np

from training.render.families import furniture, gadgets, vessels, wearables, wheels
from training.render.families.jewellery import links
from training.render.finishes import finish
from training.render.labels import label
from training.render.looks import Look, Pattern, colour, printed
from training.render.rng import Floats, Rng
from training.render.scene_object import Part, SceneObject
from training.render.shapes import UPRIGHT, box, ellipsoid, joined, lathe, panel, profile, ring, spline, tube

BRIGHT = (0.62, 0.88)
DIM = (0.08, 0.3)
"""What the brighter parts of white and of black things are exposed to: a photographer leaves them as they are."""
REPAINTED: tuple[Callable[[Rng], SceneObject], ...] = (
    furniture.chair, furniture.table, furniture.shelf, furniture.sofa, furniture.standing_lamp,
    gadgets.headphones, gadgets.headphones, gadgets.desk_lamp, gadgets.desk_lamp, gadgets.laptop, gadgets.camera,
    gadgets.speaker, vessels.vessel, wearables.shoes, wearables.bag, wearables.backpack, wheels.bicycle, wheels.fan,
)  # fmt: skip


def one_tone(chance: Rng) -> SceneObject:
    """A thing of another family, all of it white, or now and then black, with at most one part in ten as it was."""
    thing = chance.pick(REPAINTED)(chance)
    shade = chance.pick(("white", "white", "white", "black"))
    parts: list[Part] = [_repainted(chance, part, shade) for part in thing.parts]
    return replace(thing, parts=parts, brightness=BRIGHT if shade == "white" else DIM)


def _repainted(chance: Rng, part: Part, shade: str) -> Part:
    if part.look.picture is not None or part.look.transmission or chance.happens(0.1):
        return part
    tones = tuple(colour(chance, shade) for _ in part.look.colours)
    metallic = 0.0 if shade == "white" else part.look.metallic
    return replace(part, look=replace(part.look, colours=tones, metallic=metallic))


def shell(chance: Rng) -> tuple[Look, tuple[float, float] | None]:
    """What a product is made of, mostly white, and what it is to be exposed to; None is any."""
    shade = chance.pick(("white", "white", "white", "black", "grey", "any"))
    bright = {"white": BRIGHT, "black": DIM}.get(shade)
    return finish(chance, chance.pick(("plastic", "plastic", "paint")), colour(chance, shade)), bright


def wound(chance: Rng, start: Floats, *, turns: float, radius: float) -> Floats:
    """A cable [240,3] that leaves `start` to the side and lies in loose turns on the ground."""
    t = np.linspace(0, 1, 240)
    angle = 2 * pi * turns * t + pi
    r = radius * (1 + 0.12 * np.sin(angle * 0.37 + chance.uniform(0, 6)))
    coil = np.stack(
        [radius * 1.15 + r * np.cos(angle), 0.12 * np.sin(angle * 0.5) + r * 0.8 * np.sin(angle), 0.02 + 0.05 * t], -1
    )
    near = np.clip(t / 0.12, 0, 1)[:, None]
    path: Floats = (coil - coil[0]) + start * (1, 1, 0) + (0, 0, 0.02) + (1 - near) * (0, 0, start[2])
    return path


def charger(chance: Rng) -> SceneObject:
    """A power adapter with its prongs, its cable in turns and the plug at the other end."""
    case, bright = shell(chance)
    metal = finish(chance, "metal")
    wide, high = chance.uniform(0.3, 0.55), chance.uniform(0.35, 0.6)
    parts: list[Part] = [box((wide, 0.3, high), case, at=(0, 0, high / 2), bevel=0.07)]
    parts += [
        tube([[x, -0.14, high * 0.6], [x, -0.42, high * 0.6]], 0.03, metal, flat=chance.pick((1.0, 0.4)))
        for x in (-0.09, 0.09)
    ]
    start = np.array([wide / 2, 0.0, high * 0.3])
    path = wound(chance, start, turns=chance.uniform(1.2, 3.5), radius=chance.uniform(0.3, 0.55))
    thick = chance.uniform(0.013, 0.028)
    end, along = path[-1], path[-1] - path[-4]
    along = along / np.linalg.norm(along)
    parts += [
        tube(path, thick, case, sides=8),
        tube([end, end + along * 0.2], 0.05, case, flat=0.5),
        tube([end + along * 0.2, end + along * 0.3], 0.04, metal, flat=0.35),
    ]
    return SceneObject(parts, elevation=(0.2, 1.0), brightness=bright)


def phone_back(chance: Rng) -> SceneObject:
    """The back of one or two telephones with their lenses, sometimes with a screen behind."""
    case, bright = shell(chance)
    black = finish(chance, "plastic", colour(chance, "black"))
    parts: list[Part] = []
    for number in range(chance.whole(1, 2)):
        x, y = number * 0.35, number * 0.12
        parts.append(box((0.62, 0.07, 1.25), case, at=(x, y, 0.625), bevel=0.034))
        if number:
            parts.append(panel(0.57, 1.18, printed(label(chance, 300, 600), 0.06), at=(x, y - 0.0365, 0.625)))
            continue
        island = box((0.27, 0.03, 0.3), case, at=(x - 0.13, y - 0.045, 1.05), bevel=0.012)
        lens = [(0.001, 0.0), (0.055, 0.0), (0.055, 0.03), (0.001, 0.028)]
        places = [(x - 0.19 + 0.12 * i, y - 0.055, 1.11 - 0.12 * j) for i, j in ((0, 0), (1, 1), (0, 1))]
        lenses = [lathe(lens, black, at=place, turn=UPRIGHT) for place in places]
        parts += [island, joined(lenses)]
    return SceneObject(parts, elevation=(-0.1, 0.5), azimuth=(-0.8, 0.8), brightness=bright)


def kettle(chance: Rng) -> SceneObject:
    """A kettle or jug with spout, lid and a handle that the ground shows through."""
    case, bright = shell(chance)
    if chance.happens(0.3):
        case, bright = finish(chance, chance.pick(("metal", "brushed"))), None
    black = finish(chance, "plastic", colour(chance, chance.pick(("black", "white"))))
    low, top = chance.uniform(0.42, 0.55), chance.uniform(0.25, 0.38)
    body = profile([0, 0.05, 0.5, 0.95, 1.0], [0.001, low, (low + top) / 2 + 0.05, top, 0.001])
    a = np.linspace(0, pi, 30)
    if chance.happens(0.5):
        handle = np.stack([0.45 * np.cos(a) * 0.9, 0 * a, 0.9 + chance.uniform(0.35, 0.5) * np.sin(a)], -1)
    else:
        handle = spline([[top, 0, 0.92], [0.75, 0, 0.95], [0.85, 0, 0.6], [low + 0.02, 0, 0.25]], 30)
    spout = spline([[-low * 0.8, 0, 0.35], [-low - 0.2, 0, 0.55], [-low - 0.35, 0, 0.9]], 24)
    parts: list[Part] = [
        lathe(body, case),
        tube(handle, 0.04, black, flat=chance.uniform(0.7, 1.8)),
        tube(spout, np.linspace(0.13, 0.05, 24), case, sides=20),
        ellipsoid((0.06, 0.06, 0.05), black, at=(0, 0, 1.04), fineness=16),
    ]
    return SceneObject(parts, elevation=(-0.05, 0.7), brightness=bright)


def hanging_lamps(chance: Rng) -> SceneObject:
    """One to six lamps on their cords, alike, mostly white."""
    shade, bright = shell(chance)
    cord = finish(chance, "fabric", colour(chance, chance.pick(("white", "black"))))
    wide = chance.uniform(0.15, 0.3)
    shape = chance.pick((
        profile([0, 0.1, 0.35, 0.4], [wide, wide * 0.95, wide * 0.3, 0.03]),
        profile([0, 0.15, 0.3, 0.45], [wide * 0.8, wide, wide * 0.8, 0.03]),
        np.array([(wide, 0.0), (wide, 0.3), (0.03, 0.32)]),
    ))  # fmt: skip
    parts: list[Part] = []
    for number in range(chance.whole(1, 6)):
        x, y, z = (number % 3) * wide * 3, (number // 3) * 0.5, chance.uniform(0, 0.5)
        parts.append(lathe(shape, shade, at=(x, y, z), thickness=0.01))
        parts.append(tube([[x, y, z + 0.3], [x, y, 1.7]], 0.008, cord, sides=6))
    return SceneObject(parts, elevation=(-0.2, 0.3), azimuth=(-0.6, 0.6), brightness=bright)


def shoulder_bag(chance: Rng) -> SceneObject:
    """A bag on a long strap or chain."""
    shade = chance.pick(("white", "black", "earth", "any"))
    bright = {"white": BRIGHT, "black": DIM}.get(shade)
    skin, metal = (
        finish(chance, chance.pick(("leather", "fabric", "paint")), colour(chance, shade)),
        finish(chance, "metal"),
    )
    wide, deep, half = chance.uniform(0.4, 0.6), chance.uniform(0.12, 0.2), chance.uniform(0.3, 0.45)
    boxy = (chance.uniform(0.2, 0.5), chance.uniform(0.25, 0.5))
    t = np.linspace(0, pi, 90)
    rise = chance.uniform(0.7, 1.5)
    strap = np.stack(
        [wide * 0.9 * np.cos(t) * (1 - 0.25 * np.sin(t)), deep * 0.3 * np.sin(3 * t), 1.7 * half + rise * np.sin(t)], -1
    )
    carried = links(strap, metal, 0.05) if chance.happens(0.4) else tube(strap, 0.011, skin, flat=2.2)
    parts: list[Part] = [
        ellipsoid((wide, deep, half), skin, at=(0, 0, half), boxy=boxy, fineness=36),
        ellipsoid(
            (wide * 0.98, deep * 0.5, half * 0.6), skin, at=(0, -deep * 0.6, half * 1.3), boxy=(0.3, 0.3), fineness=30
        ),
        box((0.12, 0.05, 0.09), metal, at=(0, -deep * 1.12, half * 0.85), bevel=0.01),
        carried,
        *(ring(0.045, 0.012, metal, at=(x * wide * 0.9, 0, 1.65 * half), turn=UPRIGHT, points=20) for x in (-1, 1)),
    ]
    return SceneObject(parts, elevation=(-0.05, 0.5), brightness=bright)


def carrier_bag(chance: Rng) -> SceneObject:
    """A paper bag with handles of cord, printed or plain."""
    paper = colour(chance, chance.pick(("white", "white", "earth", "any")))
    skin, cord = finish(chance, "rough", paper), finish(chance, "fabric")
    wide, deep, high = chance.uniform(0.5, 0.8), chance.uniform(0.2, 0.35), chance.uniform(0.7, 1.1)
    parts: list[Part] = [
        box((wide, deep, high), replace(skin, pattern=Pattern.PLAIN, bump=0.0), at=(0, 0, high / 2), bevel=0.01)
    ]
    a = np.linspace(0, pi, 40)
    for side in (-1, 1):
        loop = np.stack(
            [wide * 0.25 * np.cos(a), np.full(40, side * deep * 0.5), high + chance.uniform(0.2, 0.35) * np.sin(a)], -1
        )
        parts.append(tube(loop, 0.014, cord, sides=8))
    if chance.happens(0.5):
        parts.append(
            panel(
                wide * 0.6,
                high * 0.5,
                printed(label(chance, 256, 256, paper), 0.7),
                at=(0, -deep / 2 - 0.003, high * 0.45),
            )
        )
    return SceneObject(parts, brightness=BRIGHT if chance.happens(0.4) else None)


def trestle(chance: Rng) -> SceneObject:
    """A stool or side table of bent tube, of one colour: more gaps than material."""
    frame, bright = shell(chance)
    r, high, lean = chance.uniform(0.3, 0.4), chance.uniform(0.6, 1.3), chance.uniform(1, 1.35)
    legs = chance.pick((3, 4, 4, 6))
    angles = [2 * pi * n / legs + 0.4 for n in range(legs)]
    bars = [
        tube([[r * lean * cos(a), r * lean * sin(a), 0], [r * 0.9 * cos(a), r * 0.9 * sin(a), high]], 0.022, frame)
        for a in angles
    ]
    parts: list[Part] = [
        joined(bars),
        lathe(
            [(0.001, high - 0.02), (r, high - 0.02), (r * 1.03, high), (r, high + 0.03), (0.001, high + 0.03)], frame
        ),
        ring(r * (1 + (lean - 1) * 0.6), 0.014, frame, at=(0, 0, high * 0.35)),
    ]
    return SceneObject(parts, elevation=(0.0, 0.6), brightness=bright)
