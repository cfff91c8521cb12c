"""One picture from its number to its pixels."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from training.render import blender, passes
from training.render.building import build
from training.render.matte import Pixels, coverage, fits, joined
from training.render.passes import Quality
from training.render.scene import compose

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


def _attempt(
    number: int, family: str, attempt: int, quality: Quality, folder: Path, *, pair: bool
) -> Picture | None:  # fmt: skip
    scene = compose(number, family, attempt=attempt, pair=pair)
    blender.fresh()
    around = build(scene)
    thing = scene.thing
    passes.prepare(quality, refracts=thing.refracts)
    if not fits(coverage(passes.trial(folder, scene.brightness))):
        return None
    colour = passes.colour(folder, through=thing.refracts)
    in_set = passes.in_set(folder, around) if pair else None
    alpha = passes.alpha(folder, quality.alpha, refracts=thing.refracts)
    return Picture(joined(colour, alpha), in_set) if fits(coverage(alpha)) else None
