"""A picture before it is rendered: thing, set, light, camera. All of it follows from number, attempt and family."""

from dataclasses import dataclass

import numpy as np

from training.render.families import FAMILIES
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, SceneObject
from training.render.surroundings import Lamp, Sky, a_set, lamps, sky
from training.render.view import View, aim

MOVING = 0.08
"""Share of pictures in which the thing moves while the shutter is open."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What Blender is to build.

    Attributes:
        around: the set, seen in a pair only, though it always throws its light; empty without a pair.
        brightness: what the thing's brighter parts are exposed to, 0..1 in the finished picture.
        motion: metres [3] that the thing moves by while the shutter is open.
    """

    thing: SceneObject
    around: list[Mesh]
    view: View
    sky: Sky
    lamps: list[Lamp]
    brightness: float
    motion: Floats | None


def compose(number: int, family: str, *, attempt: int = 0, pair: bool = False) -> Scene:
    """The scene of picture `number`; another attempt is another thing of the family.

    The same arguments give the same scene. With and without `pair` the thing and its view are the same.
    """
    chance = Rng(number, attempt, *family.encode())
    thing = FAMILIES[family].make(chance)
    view = aim(chance, thing)
    points = thing.points()
    low, high = np.percentile(points, 0.2, 0), np.percentile(points, 99.8, 0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    foot = np.array([middle[0], middle[1], points[:, 2].min()])
    motion = chance.normals(0.025, 3) * (size, 0.3 * size, size) if chance.happens(MOVING) else None
    return Scene(
        thing=thing,
        view=view,
        sky=sky(chance),
        lamps=lamps(chance, middle, size, view.azimuth),
        brightness=_brightness(chance, thing),
        motion=motion,
        around=a_set(chance, foot, size=size, distance=view.distance, azimuth=view.azimuth) if pair else [],
    )


def _brightness(chance: Rng, thing: SceneObject) -> float:
    usual = float(np.clip(chance.normal(0.52, 0.13), 0.22, 0.8))
    return chance.uniform(*thing.brightness) if thing.brightness else usual
