"""Packages with printed faces: boxes, cartons, books, pouches, tubes."""

from collections.abc import Callable
from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.labels import label
from training.render.looks import Colour, Look, colour, printed
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import box, lathe, panel, surface, turning


def package(chance: Rng) -> SceneObject:
    """One to three packages of any kind, side by side."""
    parts: list[Part] = []
    for number in range(chance.pick((1, 1, 2, 3))):
        size = np.array([chance.uniform(0.4, 1), chance.uniform(0.15, 0.7), chance.uniform(0.5, 1.4)])
        base = colour(chance)
        turn, at = turning(z=chance.uniform(-0.7, 0.7)), (number * 1.1, chance.uniform(-0.3, 0.3), 0.0)
        paper = finish(chance, chance.pick(("plastic", "rough", "paint")), base)
        parts += [part.moved(turn, at) for part in chance.pick(KINDS)(chance, size, paper, base)]
    return SceneObject(parts)


def _printed(chance: Rng, size: Floats, base: Colour) -> Look:
    high = int(np.clip(384 * size[2] / size[0], 128, 1024))
    return printed(label(chance, 384, high, base if chance.happens(0.6) else None), chance.uniform(0.15, 0.7))


def _box(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    width, depth, height = (float(length) for length in size)
    faces = [box(size, paper, at=(0, 0, height / 2), bevel=0.012)]
    for turn, wide, away in ((0.0, width, depth), (pi / 2, depth, width), (-pi / 2, depth, width)):
        face = panel(wide * 0.985, height * 0.985, _printed(chance, size, base), at=(0, -away / 2 - 0.003, height / 2))
        faces.append(face.moved(turning(z=turn)))
    return faces


def _book(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    return _box(chance, size * (1, 0, 1) + (0, chance.uniform(0.06, 0.2), 0), paper, base)


def _carton(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    """A drink carton: a box with a gable."""
    x, y, z = size / (2, 2, 1)
    rise = chance.uniform(0.1, 0.25) * z
    corners = [
        (-x, -y, z), (x, -y, z), (x, y, z), (-x, y, z), (-x, 0, z + rise), (x, 0, z + rise), (-x, 0, z + rise * 1.4),
        (x, 0, z + rise * 1.4),
    ]  # fmt: skip
    faces = [(0, 1, 5, 4), (2, 3, 4, 5), (0, 4, 3), (1, 2, 5), (4, 5, 7, 6)]
    gable = Mesh(np.array(corners, float), faces, paper, smooth=False, thickness=0.01)
    return [*_box(chance, size, paper, base), gable]


def _pouch(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    """A bag of film, welded at its ends."""
    up, across = np.meshgrid(np.linspace(0, 1, 40), np.linspace(-1, 1, 40), indexing="ij")
    belly = (1 - np.abs(across) ** 3) * np.sin(np.clip(up * 1.08, 0, 1) * pi) ** 0.6 * size[1] * 0.6
    creases = np.cumsum(chance.normals(0.012, 40, 40), 0) * 0.12
    sides = []
    for side, look in ((-1, _printed(chance, size, base)), (1, paper)):
        depth = side * (belly / 2 + creases * belly + 0.004)
        points = np.stack([across * size[0] / 2 * (1 + 0.03 * np.sin(up * 9)), depth, up * size[2]], -1)
        sides.append(surface(points, look))
    return sides


def _tube(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    """A round box with a printed band."""
    radius, height = size[0] * 0.35, size[2]
    rim = [(0.001, 0), (radius, 0), (radius, height), (radius * 0.97, height), (0.001, height)]
    angle = np.linspace(-pi, pi, 96)
    levels = np.array([[0.02], [height * 0.9]])
    around = (radius + 0.003) * np.ones((2, 1))
    band = np.stack([around * np.cos(angle), around * np.sin(angle), levels * np.ones((1, 96))], -1)
    return [lathe(rim, paper), surface(band, _printed(chance, size, base))]


def _squeezed(chance: Rng, size: Floats, paper: Look, base: Colour) -> list[Mesh]:
    """A tube of paste: round at the cap, flat at the end."""
    up = np.linspace(0, 1, 30)[:, None]
    angle = np.linspace(0, 2 * pi, 48, endpoint=False)[None]
    wide, thick = size[0] * (0.22 + 0.12 * up), size[0] * 0.24 * (1 - up) + 0.006
    height = size[2] + 0 * angle * up
    points = np.stack([wide * np.cos(angle), thick * np.sin(angle), 0.15 + up * height], -1)
    cap = lathe([(0.001, 0), (0.17 * size[0], 0), (0.15 * size[0], 0.15), (0.001, 0.16)], finish(chance, "plastic"))
    return [surface(points, _printed(chance, size, base), columns_close=True, capped=True), cap]


KINDS: tuple[Callable[[Rng, Floats, Look, Colour], list[Mesh]], ...] = (
    _box, _box, _book, _carton, _pouch, _pouch, _tube, _squeezed,
)  # fmt: skip
