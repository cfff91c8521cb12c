"""What a family makes: a thing of parts, described without Blender. Lengths are in metres, z points up."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from training.render.looks import Look
from training.render.rng import Floats

Range = tuple[float, float]
ANYWHERE: Range = (-0.9, 0.9)
SLIGHTLY_ABOVE: Range = (-0.1, 0.7)


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """A surface of polygons.

    Attributes:
        vertices: [N,3].
        faces: places in `vertices`, three or more per face.
        uv: place of each vertex in the look's picture, [N,2] in 0..1.
        subdivide: Catmull-Clark steps at rendering.
        bevel: width of rounded edges; `thickness`: what a bare sheet is thickened by. 0 is none.
    """

    vertices: Floats
    faces: Sequence[Sequence[int]]
    look: Look
    uv: Floats | None = None
    smooth: bool = True
    subdivide: int = 0
    bevel: float = 0.0
    thickness: float = 0.0

    def moved(self, turn: Floats, to: Floats | Sequence[float] = (0.0, 0.0, 0.0)) -> "Mesh":
        """Turned by a matrix [3,3] about the origin, then moved."""
        return replace(self, vertices=self.vertices @ turn.T + np.asarray(to))


@dataclass(frozen=True, slots=True, eq=False)
class Strands:
    """Hairs, blades or fibres: `points` [N,K,3] from root to tip, `radii` [N,K]."""

    points: Floats
    radii: Floats
    look: Look

    def moved(self, turn: Floats, to: Floats | Sequence[float] = (0.0, 0.0, 0.0)) -> "Strands":
        """Turned by a matrix [3,3] about the origin, then moved."""
        return replace(self, points=self.points @ turn.T + np.asarray(to))


Part = Mesh | Strands


@dataclass(slots=True)
class SceneObject:
    """One foreground.

    Attributes:
        elevation, azimuth: radians from which a camera shows it well; azimuth 0 looks along +y.
        brightness: what its brighter parts are exposed to, 0..1 in the finished picture; None is any.
    """

    parts: list[Part] = field(default_factory=list)
    elevation: Range = SLIGHTLY_ABOVE
    azimuth: Range = ANYWHERE
    brightness: Range | None = None

    def add(self, *parts: Part) -> None:
        """Put parts to it."""
        self.parts.extend(parts)

    @property
    def refracts(self) -> bool:
        """Whether it has glass: its looks then decide on its alpha, and light needs more bounces."""
        return any(part.look.transmission for part in self.parts)

    def points(self) -> Floats:
        """Points all over it [N,3], for the camera to be aimed by."""
        some = [_spread(part) for part in self.parts]
        return np.concatenate(some)


def places(part: Part) -> Floats:
    """All points [N,3] that a part is made of."""
    return part.vertices if isinstance(part, Mesh) else part.points.reshape(-1, 3)


def _spread(part: Part, most: int = 4000) -> Floats:
    points = places(part)
    return points[:: max(1, len(points) // most)]
