"""Fur, bristles and fringes: strands that grow out of meshes or points."""

from collections.abc import Sequence

import numpy as np

from training.render.looks import Look
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Strands
from training.render.shapes import unit


def on_surface(chance: Rng, meshes: Sequence[Mesh], count: int) -> tuple[Floats, Floats]:
    """`count` points [N,3] spread evenly over the meshes, and the unit normals there. Their modifiers do not count."""
    corners = np.concatenate([mesh.vertices[_triangles(mesh)] for mesh in meshes])
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    chosen = chance.weighted(np.linalg.norm(across, axis=1), count)
    a, b = chance.uniforms(0, 1, 2, count, 1)
    outside = a + b > 1
    a, b = np.where(outside, 1 - a, a), np.where(outside, 1 - b, b)
    first, second, third = corners[chosen].transpose(1, 0, 2)
    points: Floats = first + a * (second - first) + b * (third - first)
    return points, unit(across[chosen])


def _triangles(mesh: Mesh) -> list[list[int]]:
    return [[face[0], face[at], face[at + 1]] for face in mesh.faces for at in range(1, len(face) - 1)]


def strands(chance: Rng, points: Floats, look: Look, root: float, tip: float = 0.0) -> Strands:
    """Strands along points [N,K,3] that taper from radius `root` to `tip`, some thinner than others."""
    count, steps = points.shape[:2]
    radii = np.linspace(root, tip, steps)[None] * chance.uniforms(0.7, 1.2, count, 1)
    return Strands(points, radii, look)


def fur(
    chance: Rng, meshes: Sequence[Mesh], look: Look, *, count: int, length: float, radius: float,
    droop: float = 0.3, mess: float = 0.25, clumps: float = 0.4, comb: Sequence[float] = (0.0, 0.0, 0.0),
) -> Strands:  # fmt: skip
    """Fur on meshes.

    `droop` is how far tips hang, in lengths; `mess` how far hairs stray from the normal; `clumps` (0..1) how close
    the tips of a tuft come; `comb` is added to every hair's direction.
    """
    steps = 6
    along = np.linspace(0, 1, steps)[None, :, None]
    roots, normals = on_surface(chance, meshes, count)
    direction = unit(normals + chance.normals(mess, count, 3) + np.asarray(comb))
    lengths = length * chance.uniforms(0.6, 1.15, count, 1, 1)
    points = roots[:, None] + direction[:, None] * along * lengths
    points = points - np.array([0, 0, 1.0]) * droop * lengths * along**2
    points = points + np.cumsum(chance.normals(0.12, count, steps, 3), 1) * lengths / steps**0.5
    if clumps:
        leaders = chance.wholes(0, count - 1, max(1, count // 40))
        points += (points[leaders[_nearest(roots, roots[leaders])]] - points) * clumps * along**1.5
    return strands(chance, points, look, radius)


def _nearest(points: Floats, of: Floats, at_once: int = 4096) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """For each point [N,3] the place in `of` [M,3] of the nearest."""
    squares = (of**2).sum(1)
    parts = [points[start : start + at_once] for start in range(0, len(points), at_once)]
    return np.concatenate([(squares - 2 * part @ of.T).argmin(1) for part in parts])


def bristles(
    chance: Rng, roots: Floats, directions: Floats, look: Look, *, length: float, radius: float, steps: int = 8,
    wander: float = 0.0, droop: float = 0.0,
) -> Strands:  # fmt: skip
    """Strands from `roots` [N,3] along `directions` [N,3], in lengths of about `length` times the direction's."""
    along = np.linspace(0, 1, steps)[None, :, None]
    lengths = length * chance.uniforms(0.85, 1.05, len(roots), 1, 1)
    points = roots[:, None] + directions[:, None] * along * lengths
    points = points + np.cumsum(chance.normals(wander, len(roots), steps, 3), 1) * along
    points = points - np.array([0, 0, 1.0]) * droop * lengths * along**2
    return strands(chance, points, look, radius, radius * 0.4)
