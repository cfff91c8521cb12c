"""The camera: where it stands so that the thing fills the frame as wanted. Square frames."""

from dataclasses import dataclass
from math import cos, sin

import numpy as np

from training.render.rng import Floats, Rng
from training.render.scene_object import SceneObject
from training.render.shapes import unit

SENSOR = 36.0
"""Millimetres per side."""
LENSES = (35.0, 50.0, 60.0, 85.0, 100.0, 135.0)
# Hair ends and other stray points do not decide on the frame.
INNER = (0.2, 99.8)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A camera.

    Attributes:
        place: where it stands [3]; axes: columns right, up and backwards [3,3].
        lens: focal length in millimetres; distance: to the thing's middle.
        focus: distance that is sharp; blur: share of the frame's width that a point twice as far away is blurred to,
            0 for none.
    """

    place: Floats
    axes: Floats
    lens: float
    distance: float
    focus: float
    blur: float
    blades: int
    azimuth: float


def aim(chance: Rng, thing: SceneObject) -> View:
    """A view of a thing: mostly whole, in one case of eight so near that it is cut off."""
    points = thing.points()
    low, high = np.percentile(points, INNER[0], 0), np.percentile(points, INNER[1], 0)
    middle, size = (low + high) / 2, float(np.linalg.norm(high - low))
    lens, azimuth = chance.pick(LENSES), chance.uniform(*thing.azimuth)
    axes = _axes(chance.uniform(*thing.elevation), azimuth, chance.normal(0, 0.03))
    fill = chance.uniform(0.66, 0.97) if chance.happens(0.88) else chance.uniform(1.03, 1.2)
    half = SENSOR / 2 / lens
    seen = (points - middle) @ axes
    centre, distance = _fit(seen, half * fill)
    # Off the middle, but never so far that what is nearest leaves the frame.
    slack = max(0.0, 1 - fill) * half * (distance - float(seen[:, 2].max()))
    centre += chance.uniforms(-0.7, 0.7, 2) * slack
    blurred = chance.happens(0.35)
    return View(
        place=middle + axes[:, :2] @ centre + axes[:, 2] * distance, axes=axes, lens=lens, distance=distance,
        focus=max(0.1 * distance, distance - chance.uniform(0, 0.25) * size),
        blur=chance.uniform(0.003, 0.012) if blurred else 0.0, blades=chance.pick((0, 6, 8)), azimuth=azimuth,
    )  # fmt: skip


def _axes(elevation: float, azimuth: float, roll: float) -> Floats:
    backwards = np.array([sin(azimuth) * cos(elevation), -cos(azimuth) * cos(elevation), sin(elevation)])
    right = unit(np.cross([0.0, 0, 1], backwards))
    up = np.cross(backwards, right)
    return np.column_stack((right * cos(roll) + up * sin(roll), up * cos(roll) - right * sin(roll), backwards))


def _fit(seen: Floats, tangent: float) -> tuple[Floats, float]:
    """Where to look (right, up) and from how far, so that points [N,3] in camera axes fill this half of a frame.

    A point at x and depth z lies inside when |x - centre| <= tangent * (distance - z): two planes per side, and the
    outermost points of each give centre and distance at once.
    """
    towards = tangent * seen[:, 2:]
    right, left = (np.percentile(side * seen[:, :2] + towards, INNER[1], 0) for side in (1, -1))
    nearest = float(seen[:, 2].max()) * 1.05 + 0.05
    return (right - left) / 2, max(nearest, float((right + left).max()) / 2 / tangent)
