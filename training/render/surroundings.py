"""What is around the thing: a set to stand in, lamps and a sky."""

from dataclasses import dataclass
from enum import StrEnum
from math import cos, pi, sin

import numpy as np

from training.render.finishes import finish
from training.render.looks import Colour, Look, colour
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh
from training.render.shapes import box, ellipsoid, lathe, profile, sheet, surface, turning, unit

FLOORS = ("planks", "planks", "tiles", "marble", "rough", "fabric", "chequers", "speckle", "plastic")
WALLS = ("rough", "plastic", "plastic", "stripes", "speckle", "fabric", "marble")
LIGHTINGS = ("soft", "soft", "hard", "rim", "sky", "sun")


@dataclass(frozen=True, slots=True, eq=False)
class Lamp:
    """An area lamp of `size` metres and `energy` watts at `place`, or with size 0 a sun of `energy` W/m².

    It shines towards `direction` [3]; `angle` is the sun's, in radians.
    """

    place: Floats
    direction: Floats
    energy: float
    colour: Colour
    size: float = 0.0
    shape: str = "DISK"
    angle: float = 0.0


class SkyKind(StrEnum):
    """How light is spread over the sky."""

    FLAT = "flat"
    BLOCKS = "blocks"
    CLOUDS = "clouds"


@dataclass(frozen=True, slots=True)
class Sky:
    """Light from everywhere, between two colours."""

    kind: SkyKind
    strength: float
    dark: Colour
    bright: Colour
    scale: float
    low: float
    high: float


def sky(chance: Rng) -> Sky:
    """A sky, warm or cold."""
    mix = chance.uniform()
    warm = (1.0, 1 - 0.15 * mix, 1 - 0.4 * mix) if chance.happens(0.5) else (1 - 0.3 * mix, 1 - 0.12 * mix, 1.0)
    dim, strong = chance.uniform(0.05, 0.5), chance.uniform(1, 3)
    return Sky(
        kind=chance.pick((SkyKind.FLAT, SkyKind.BLOCKS, SkyKind.BLOCKS, SkyKind.CLOUDS)),
        strength=chance.uniform(0.25, 1.1), dark=_times(warm, dim), bright=_times(warm, strong),
        scale=chance.uniform(1, 3), low=chance.uniform(0.1, 0.4), high=chance.uniform(0.5, 0.9),
    )  # fmt: skip


def lamps(chance: Rng, middle: Floats, size: float, azimuth: float) -> list[Lamp]:
    """Lamps around a thing of `size` metres that is seen from `azimuth`."""
    half = size / 2

    def area(sideways: float, behind: float, above: float, wide: float, energy: float) -> Lamp:
        towards = unit(turning(z=azimuth) @ np.array([sideways, behind, above]))
        shape = chance.pick(("SQUARE", "DISK"))
        return Lamp(middle + towards * half * 4, -towards, energy * half**2, _tint(chance), wide * half, shape)

    def front(wide: float, energy: float) -> Lamp:
        return area(chance.uniform(-1, 1), chance.uniform(-1, -0.4), chance.uniform(0.3, 1.2), wide, energy)

    match chance.pick(LIGHTINGS):
        case "soft":
            key = front(chance.uniform(2, 4), chance.uniform(250, 700))
            return [key, front(chance.uniform(2, 4), chance.uniform(50, 250))]
        case "hard":
            return [front(chance.uniform(0.1, 0.6), chance.uniform(300, 900))]
        case "rim":
            back = area(chance.uniform(-1, 1), 1, chance.uniform(0.3, 1), chance.uniform(0.5, 2), 800)
            return [back, front(3, chance.uniform(50, 350))]
        case "sun":
            shines = unit(np.array([chance.uniform(-1, 1), chance.uniform(-0.5, 1), -chance.uniform(0.4, 1.2)]))
            tone = (1.0, chance.uniform(0.85, 1), chance.uniform(0.7, 1))
            energy, angle = chance.uniform(1.5, 4.5), chance.uniform(0.01, 0.2)
            return [Lamp(middle, turning(z=azimuth) @ shines, energy, tone, angle=angle)]
        case _:
            return []


def a_set(chance: Rng, at: Floats, *, size: float, distance: float, azimuth: float) -> list[Mesh]:
    """Floor, walls and clutter behind a thing of `size` metres that stands at `at` [3], as the camera sees it."""
    far = distance * 3 + size * 4
    parts = _sweep(chance, size, far) if chance.happens(0.2) else _room(chance, size, far)
    turn = turning(z=azimuth)
    return [part.moved(turn, at - (0, 0, 0.001 * size)) for part in parts]


def _sweep(chance: Rng, size: float, far: float) -> list[Mesh]:
    """A photographer's paper: the floor bends up into the wall."""
    bend, back = size * chance.uniform(0.5, 1.2), size * chance.uniform(1, 2.5)
    angles = np.linspace(0, pi / 2, 12)
    outline = [(-far, 0.0), *((back + bend * sin(a), bend - bend * cos(a)) for a in angles), (back + bend, far)]
    points = np.array([[(x, y, z) for x in (-far, far)] for y, z in outline])
    paper = colour(chance, chance.pick(("white", "grey", "pastel", "any")))
    return [surface(points, finish(chance, chance.pick(("rough", "plastic", "plastic")), paper))]


def _room(chance: Rng, size: float, far: float) -> list[Mesh]:
    ground = finish(chance, chance.pick(FLOORS))
    parts = [sheet([(-far, -far, 0), (far, -far, 0), (far, far, 0), (-far, far, 0)], ground)]
    if chance.happens(0.9):
        back, paint = size * chance.uniform(0.8, 4), finish(chance, chance.pick(WALLS))
        parts.append(sheet([(-far, back, 0), (far, back, 0), (far, back, far), (-far, back, far)], paint))
        if chance.happens(0.5):
            side = -size * chance.uniform(1.2, 3)
            parts.append(sheet([(side, -far, 0), (side, far, 0), (side, far, far), (side, -far, far)], paint))
    parts += [_clutter(chance, size) for _ in range(chance.whole(2, 14))]
    return parts


def _clutter(chance: Rng, size: float) -> Mesh:
    angle, away, wide = chance.uniform(-1.2, 1.2), size * chance.uniform(1, 3.5), size * chance.uniform(0.08, 0.6)
    x, y = sin(angle) * away, cos(angle) * away
    look: Look = finish(chance)
    turn = (0, 0, chance.uniform(0, 3))
    match chance.pick(("box", "ball", "vase")):
        case "box":
            high = wide * chance.uniform(0.3, 1.5)
            base = (wide * chance.uniform(0.3, 1), wide * chance.uniform(0.3, 1), high)
            return box(base, look, at=(x, y, high / 2), turn=turn)
        case "ball":
            boxy = (chance.uniform(0.3, 1), chance.uniform(0.3, 1))
            return ellipsoid((wide / 2,) * 3, look, at=(x, y, wide / 2), turn=turn, boxy=boxy, fineness=16)
        case _:
            heights = np.linspace(0, chance.uniform(0.6, 1.8), 6) * wide
            return lathe(profile(heights, chance.uniforms(0.1, 0.5, 6) * wide, 24), look, at=(x, y, 0), sides=32)


def _tint(chance: Rng) -> Colour:
    pale = chance.uniform(0, 0.3)
    return (1.0, 1 - 0.4 * pale, 1 - pale) if chance.happens(0.6) else (1 - pale, 1 - 0.4 * pale, 1.0)


def _times(of: Colour, by: float) -> Colour:
    return of[0] * by, of[1] * by, of[2] * by
