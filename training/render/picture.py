"""One picture from its number to its pixels."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from training.render import blender, passes, studio
from training.render.building import build
from training.render.matte import Pixels, coverage, fits, joined
from training.render.passes import Quality
from training.render.scene import Scene, compose

ATTEMPTS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A foreground, straight RGBA [S,S,4], and the same thing in its set, RGB [S,S,3]."""

    rgba: Pixels
    in_set: Pixels | None


def render(number: int, family: str, quality: Quality, *, pair: bool) -> Picture | None:
    """Picture `number` of a family; the same arguments give the same pixels. None after five that fill too much or
    too little of the frame."""
    with TemporaryDirectory() as folder:
        for attempt in range(ATTEMPTS):
            if made := _attempt(number, family, attempt, quality, Path(folder), pair=pair):
                return made
    return None


def in_scene(number: int, quality: Quality) -> tuple[Pixels, Pixels] | None:
    """Product `number` in its scene, RGB [S,S,3], and its alpha [S,S]; None as in `render`."""
    with TemporaryDirectory() as folder:
        for attempt in range(ATTEMPTS):
            scene = studio.compose(number, attempt)
            around = _built(scene, quality)
            if not fits(coverage(passes.trial(Path(folder), scene.brightness))):
                continue
            seen = passes.in_set(Path(folder), around)
            alpha = passes.alpha(Path(folder), quality.alpha, refracts=scene.thing.refracts)
            if fits(coverage(alpha)) and studio.shows(seen, alpha):
                return seen, alpha
    return None


def _built(scene: Scene, quality: Quality) -> list[Any]:
    """Blender's objects of the scene's set."""
    blender.fresh()
    around = build(scene)
    passes.prepare(quality, refracts=scene.thing.refracts)
    return around


def _attempt(
    number: int, family: str, attempt: int, quality: Quality, folder: Path, *, pair: bool
) -> Picture | None:  # fmt: skip
    scene = compose(number, family, attempt=attempt, pair=pair)
    thing, around = scene.thing, _built(scene, quality)
    if not fits(coverage(passes.trial(folder, scene.brightness))):
        return None
    colour = passes.colour(folder, through=thing.refracts)
    in_set = passes.in_set(folder, around) if pair else None
    alpha = passes.alpha(folder, quality.alpha, refracts=thing.refracts)
    return Picture(joined(colour, alpha), in_set) if fits(coverage(alpha)) else None
