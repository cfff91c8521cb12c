"""Things that no training sees: kinds of their own, for the pictures of products that networks are judged by.

None of these belongs to a family, so that no batch can bring it. A kind that moves to a family is to be replaced here.
"""

from collections.abc import Callable
from dataclasses import replace

from training.render.held_out import devices, household, worn
from training.render.rng import Rng
from training.render.scene_object import Range, SceneObject

HeldOut = Callable[[Rng, str], SceneObject]

KINDS: tuple[HeldOut, ...] = (
    devices.earbuds, devices.hair_dryer, household.office_chair, devices.router, devices.gamepad, household.pan,
    household.scooter, household.arc_lamp, devices.tripod, devices.iron, worn.guitar, household.coat_rack, worn.tiara,
    worn.belt,
)  # fmt: skip


def held_out(chance: Rng, kind: HeldOut, shade: str, brightness: Range | None) -> SceneObject:
    """A thing that no training sees, of a shade that `colour` knows."""
    return replace(kind(chance, shade), brightness=brightness)
