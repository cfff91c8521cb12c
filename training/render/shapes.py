"""Shapes: meshes from curves and formulas. Angles are radians, turns are x, y, z in this order."""

from collections.abc import Sequence
from math import cos, pi, sin

import numpy as np
from numpy.typing import ArrayLike

from training.render.looks import Look
from training.render.rng import Floats
from training.render.scene_object import Mesh

Place = Sequence[float] | Floats
Line = Sequence[Place] | Floats
"""Points or numbers [N,D]."""
ORIGIN = (0.0, 0.0, 0.0)
UPRIGHT = (pi / 2, 0.0, 0.0)
"""Turns what lies flat so that it faces the camera."""


def turning(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Floats:
    """Matrix [3,3] of turns about x, then y, then z."""
    about_x = np.array([[1, 0, 0], [0, cos(x), -sin(x)], [0, sin(x), cos(x)]])
    about_y = np.array([[cos(y), 0, sin(y)], [0, 1, 0], [-sin(y), 0, cos(y)]])
    about_z = np.array([[cos(z), -sin(z), 0], [sin(z), cos(z), 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def offset(place: Place, x: float, y: float, z: float) -> Floats:
    """A place [3], moved."""
    moved: Floats = np.asarray(place, float) + np.array([x, y, z])
    return moved


def unit(vectors: Floats) -> Floats:
    """Vectors [...,3] of length 1."""
    long: Floats = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return long


def spline(knots: Line, count: int) -> Floats:
    """`count` points on the Catmull-Rom curve through knots [N,D]."""
    points = np.asarray(knots, float)
    at = np.linspace(0, len(points) - 1, count)
    first = np.clip(at.astype(int), 0, len(points) - 2)
    t = (at - first)[:, None]
    a, b, c, d = (points[np.clip(first + offset, 0, len(points) - 1)] for offset in (-1, 0, 1, 2))
    curve: Floats = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return curve


def profile(heights: ArrayLike, radii: ArrayLike, count: int = 48) -> Floats:
    """A smooth outline [count,2] of radius and height, for `lathe`."""
    curve = spline(np.column_stack((np.asarray(radii, float), np.asarray(heights, float))), count)
    curve[:, 0] = np.abs(curve[:, 0])  # where it comes near the axis, the curve may swing past it
    return curve


def surface(
    points: Floats, look: Look, *, rows_close: bool = False, columns_close: bool = False, capped: bool = False,
    subdivide: int = 0, thickness: float = 0.0, smooth: bool = True,
) -> Mesh:  # fmt: skip
    """Quads over a grid of points [U,V,3]; `capped` closes its first and last row."""
    rows, columns = points.shape[:2]
    u, v = np.meshgrid(
        np.arange(rows if rows_close else rows - 1), np.arange(columns if columns_close else columns - 1), indexing="ij"
    )
    u_next, v_next = (u + 1) % rows, (v + 1) % columns
    corners = (u * columns + v, u * columns + v_next, u_next * columns + v_next, u_next * columns + v)
    faces = np.stack(corners, -1).reshape(-1, 4).tolist()
    if capped:
        last = (rows - 1) * columns
        faces += [list(range(columns))[::-1], [last + place for place in range(columns)]]
    uv = np.stack(np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows)), -1).reshape(-1, 2)
    return Mesh(points.reshape(-1, 3), faces, look, uv, smooth, subdivide, thickness=thickness)


def lathe(
    outline: Line, look: Look, *, at: Place = ORIGIN, turn: Place = ORIGIN, sides: int = 64, capped: bool = False,
    ribs: float = 0.0, rib_count: int = 8, thickness: float = 0.0, smooth: bool = True,
) -> Mesh:  # fmt: skip
    """An outline [N,2] of radius and height, turned about the z axis; `ribs` is the height of lengthwise ribs."""
    outline = np.asarray(outline, float)
    angle = np.linspace(0, 2 * pi, sides, endpoint=False)
    radius = outline[:, :1] * (1 + ribs * np.sin(angle * rib_count))
    heights = np.repeat(outline[:, 1:], sides, 1)
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle), heights], -1)
    whole = surface(points, look, columns_close=True, capped=capped, thickness=thickness, smooth=smooth)
    return whole.moved(turning(*turn), at)


def wall(outline: Floats, thickness: float) -> Floats:
    """The outline of a hollow vessel: up the outer side of `outline` and down inside of it."""
    outer = outline[outline[:, 0] > 1e-4]
    inner = outer[::-1].copy()
    inner[:, 0] = np.maximum(inner[:, 0] - thickness, 0.001)
    inner = inner[inner[:, 1] > outer[0, 1] + thickness * 1.2]
    return np.concatenate([[[0.001, outer[0, 1]]], outer, inner, [[0.001, inner[-1, 1]]]])


def ellipsoid(
    radii: Place, look: Look, *, at: Place = ORIGIN, turn: Place = ORIGIN, boxy: tuple[float, float] = (1.0, 1.0),
    fineness: int = 28,
) -> Mesh:  # fmt: skip
    """A superellipsoid: `boxy` is its vertical and its horizontal exponent, 1 round and towards 0 square."""
    low = np.linspace(-pi / 2, pi / 2, fineness)[:, None]
    around = np.linspace(0, 2 * pi, 2 * fineness, endpoint=False)[None]
    across = _bent(np.cos(low), boxy[0])
    points = np.stack(
        [
            across * _bent(np.cos(around), boxy[1]) * radii[0],
            across * _bent(np.sin(around), boxy[1]) * radii[1],
            _bent(np.sin(low), boxy[0]) * radii[2] * np.ones_like(around),
        ],
        -1,
    )
    return surface(points, look, columns_close=True).moved(turning(*turn), at)


def _bent(wave: Floats, exponent: float) -> Floats:
    bent: Floats = np.sign(wave) * np.abs(wave) ** exponent
    return bent


def box(size: Place, look: Look, *, at: Place = ORIGIN, turn: Place = ORIGIN, bevel: float = 0.02) -> Mesh:
    """A box about `at` with rounded edges."""
    x, y, z = (length / 2 for length in size)
    corners = np.array([(a, b, c) for a in (-x, x) for b in (-y, y) for c in (-z, z)], float)
    faces = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    flat = Mesh(corners, faces, look, smooth=bevel > 0, bevel=min(bevel, 0.45 * min(size)))
    return flat.moved(turning(*turn), at)


def sheet(corners: Line, look: Look) -> Mesh:
    """A flat face of four corners, counted from lower left against the clock."""
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    return Mesh(np.asarray(corners, float), ((0, 1, 2, 3),), look, uv, smooth=False)


def panel(width: float, height: float, look: Look, *, at: Place = ORIGIN, turn: Place = ORIGIN) -> Mesh:
    """A picture that stands about `at` and faces -y."""
    x, z = width / 2, height / 2
    flat = sheet([(-x, 0, -z), (x, 0, -z), (x, 0, z), (-x, 0, z)], look)
    return flat.moved(turning(*turn), at)


def frames(path: Floats, *, closed: bool = False) -> tuple[Floats, Floats, Floats]:
    """Tangents, normals and binormals along a path [N,3], turning as little as can be."""
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    tangents = unit(along)
    normals = np.zeros_like(tangents)
    side = np.array([0.0, 0, 1]) if abs(tangents[0, 2]) < 0.9 else np.array([1.0, 0, 0])
    for place, tangent in enumerate(tangents):
        before = normals[place - 1] if place else side
        normals[place] = unit(before - tangent * (before @ tangent))
    return tangents, normals, np.cross(tangents, normals)


def tube(
    path: Line, radius: ArrayLike, look: Look, *, sides: int = 10, closed: bool = False, flat: float = 1.0,
    subdivide: int = 0,
) -> Mesh:  # fmt: skip
    """A tube along a path [N,3]; `radius` is one or N; `flat` squeezes it one way."""
    path = np.asarray(path, float)
    _, normals, others = frames(path, closed=closed)
    radii = np.broadcast_to(np.asarray(radius, float), (len(path),))[:, None, None]
    angle = np.linspace(0, 2 * pi, sides, endpoint=False)[None, :, None]
    points = path[:, None] + radii * (np.cos(angle) * normals[:, None] + flat * np.sin(angle) * others[:, None])
    return surface(points, look, rows_close=closed, columns_close=True, capped=not closed, subdivide=subdivide)


def ring(
    radius: float, thickness: float, look: Look, *, at: Place = ORIGIN, turn: Place = ORIGIN, wide: float = 1.0,
    points: int = 64, sides: int = 12, flat: float = 1.0,
) -> Mesh:  # fmt: skip
    """A ring that lies flat; `wide` stretches it along x."""
    circle = around(radius, points) * (wide, 1, 1)
    return tube(circle, thickness, look, closed=True, sides=sides, flat=flat).moved(turning(*turn), at)


def around(radius: float, count: int, height: float = 0.0) -> Floats:
    """`count` points [N,3] on a circle about the z axis."""
    angle = np.linspace(0, 2 * pi, count, endpoint=False)
    return np.column_stack((radius * np.cos(angle), radius * np.sin(angle), np.full(count, height)))


def slab(rim: Floats, low: float, thick: float, look: Look, *, bevel: float) -> Mesh:
    """A plate of the outline [N,2], from height `low` up."""
    count = len(rim)
    corners = np.concatenate([np.column_stack((rim, np.full(count, z))) for z in (low, low + thick)])
    walls = [[i, (i + 1) % count, count + (i + 1) % count, count + i] for i in range(count)]
    faces = [list(range(count))[::-1], [count + i for i in range(count)], *walls]
    return Mesh(corners, faces, look, smooth=False, bevel=bevel)


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Many meshes of one look as one: Blender is slow with many objects. Modifiers and uv are the first one's."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [
        [start + place for place in face] for start, mesh in zip(starts, meshes, strict=True) for face in mesh.faces
    ]
    first = meshes[0]
    return Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]), faces, first.look, smooth=first.smooth,
        subdivide=first.subdivide, bevel=first.bevel, thickness=first.thickness,
    )  # fmt: skip
