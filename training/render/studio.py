"""Pictures of products as shops have them, to judge networks by: things and grounds that training does not see.

Every picture is one frame of a scene, with the ground, shadows and reflections in it, so no composition flatters an
edge. Its alpha is exact.
"""

from dataclasses import dataclass
from io import BytesIO
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageFilter

from training.render.finishes import finish
from training.render.held_out import KINDS, held_out
from training.render.looks import Colour, Look, colour
from training.render.matte import Pixels
from training.render.rng import Rng
from training.render.scene import Scene
from training.render.scene_object import Mesh, Range, SceneObject, places
from training.render.shapes import sheet, surface, turning
from training.render.surroundings import lamps, sky
from training.render.view import View, aim

_SEED = 19
"""Apart from the draws of batches: a number here is another thing than the same number there."""
BURNT, HALF, MOST_BURNT = 250, 127, 0.5
"""Levels of 255 from which on light is burnt out and alpha is the thing, and the share that may be burnt out."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How a product is shown.

    Attributes:
        shade: of the thing, as `colour` knows it.
        brightness: what the thing is exposed to.
        ground: "near" is the thing's own colour within a tenth, "table" a material with a wall behind; else a shade.
    """

    kind: str
    shade: str
    brightness: Range | None
    ground: str


SETTINGS = (
    Setting("white on white", "white", (0.62, 0.85), "white"),
    Setting("near colour", "any", None, "near"),
    Setting("dark on dark", "black", (0.1, 0.25), "black"),
    Setting("white on white", "white", (0.62, 0.85), "near"),
    Setting("table", "any", None, "table"),
    Setting("near colour", "grey", None, "near"),
    Setting("sweep", "any", (0.5, 0.8), "white"),
)


def setting(number: int) -> Setting:
    """The settings by turns; each round of kinds begins one further, so that a kind meets another setting."""
    return SETTINGS[(number + number // len(KINDS)) % len(SETTINGS)]


def compose(number: int, attempt: int = 0) -> Scene:
    """The scene of product `number`; the same arguments give the same scene."""
    chance, shown = Rng(number, attempt, _SEED), setting(number)
    thing = held_out(chance, KINDS[number % len(KINDS)], shown.shade, shown.brightness)
    view, points = aim(chance, thing), thing.points()
    low, high = points.min(0), points.max(0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    ground = _ground(chance, shown.ground, thing, size, view)
    turn = turning(z=view.azimuth)
    foot = np.array([middle[0], middle[1], low[2] - 0.001 * size])
    return Scene(
        thing=thing, view=view, sky=sky(chance), lamps=lamps(chance, middle, size, view.azimuth),
        brightness=chance.uniform(*(thing.brightness or (0.35, 0.6))), motion=None,
        around=[part.moved(turn, foot) for part in ground],
    )  # fmt: skip


def _ground(chance: Rng, ground: str, thing: SceneObject, size: float, view: View) -> list[Mesh]:
    far = view.distance * 3 + size * 4
    if ground == "table":
        top, wall = (
            finish(chance, chance.pick(names))
            for names in (("planks", "marble", "fabric", "wood"), ("rough", "plastic"))
        )
        back = size * chance.uniform(0.8, 2.5)
        return [
            sheet([(-far, -far, 0), (far, -far, 0), (far, far, 0), (-far, far, 0)], top),
            sheet([(-far, back, 0), (far, back, 0), (far, back, far), (-far, back, far)], wall),
        ]
    tone = _near(chance, thing) if ground == "near" else colour(chance, ground)
    return [_sweep(chance, finish(chance, chance.pick(("plastic", "plastic", "paint")), tone), size, far)]


def _near(chance: Rng, thing: SceneObject) -> Colour:
    """The colour of the thing's largest part, within a tenth."""
    largest = max(thing.parts, key=lambda part: float(np.ptp(places(part), 0).sum()))
    red, green, blue = (min(part * chance.uniform(0.9, 1.1), 0.95) for part in largest.look.colours[-1])
    return red, green, blue


def _sweep(chance: Rng, paper: Look, size: float, far: float) -> Mesh:
    """Paper that bends from the floor up into the wall."""
    bend, back = size * chance.uniform(0.4, 1.0), size * chance.uniform(0.7, 2)
    angles = np.linspace(0, pi / 2, 12)
    outline = [(-far, 0.0), *((back + bend * sin(a), bend - bend * cos(a)) for a in angles), (back + bend, far)]
    return surface(np.array([[(x, y, z) for x in (-far, far)] for y, z in outline]), paper)


def shows(scene: Pixels, alpha: Pixels) -> bool:
    """Whether at most half of the thing is burnt out, so that there is something to be found."""
    thing = scene[alpha > HALF]
    return len(thing) > 0 and float((thing.min(1) >= BURNT).mean()) <= MOST_BURNT


def photographed(number: int, scene: Pixels) -> bytes:
    """A JPEG of the scene [S,S,3] as a small camera gives it: a little soft, noisier where it is light."""
    chance = Rng(number, _SEED, 1)
    soft = Image.fromarray(scene).filter(ImageFilter.GaussianBlur(chance.uniform(0.3, 0.8)))
    levels = np.asarray(soft).astype(np.float64)
    grain = chance.uniform(0.4, 2.5) * (0.5 + np.sqrt(levels / 255))
    fine, coarse = chance.normals(1, *levels.shape), chance.normals(1, *(-(-side // 2) for side in levels.shape[:2]), 3)
    noise = 0.7 * fine + 0.5 * coarse.repeat(2, 0).repeat(2, 1)[: levels.shape[0], : levels.shape[1]]
    file = BytesIO()
    noisy = Image.fromarray(np.rint(levels + grain * noise).clip(0, 255).astype(np.uint8))
    noisy.save(file, "JPEG", quality=chance.whole(78, 94))
    return file.getvalue()
