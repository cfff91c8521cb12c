"""Vessels that are not of glass, with handles, lids and labels."""

from math import pi

import numpy as np

from training.render.finishes import finish
from training.render.labels import label
from training.render.looks import colour, printed
from training.render.rng import Floats, Rng
from training.render.scene_object import Mesh, Part, SceneObject
from training.render.shapes import box, lathe, profile, surface, tube, wall

Place = tuple[float, float, float]
KINDS = ("bottle", "vase", "jar", "cup", "bowl", "wine", "goblet", "can")


def outline(chance: Rng, width: float, height: float) -> tuple[str, Floats]:
    """The name and the outer outline [64,2] of a vessel."""
    kind = chance.pick(KINDS)
    heights: list[float]
    radii: list[float]
    match kind:
        case "bottle":
            heights = [0, 0, 0.05, 0.3, 0.55, 0.68, 0.78, 0.97, 1]
            radii = [0.9, 1, 1, 1, 1, chance.uniform(0.7, 1), 0.35, 0.32, 0.35]
        case "vase":
            heights = [0, 0.02, 0.1, 0.3, 0.5, 0.7, 0.85, 1]
            radii = [0.5, 0.55, *chance.uniforms(0.35, 1, 5).tolist(), chance.uniform(0.3, 0.9)]
        case "jar":
            heights, radii = [0, 0.03, 0.1, 0.4, 0.8, 0.9, 1], [0.9, 1, 1, 1, 1, 0.85, 0.8]
        case "cup":
            heights, radii = [0, 0.01, 0.06, 0.3, 0.55, 0.6], [0.6, 0.7, 0.8, 0.95, 1, 1.02]
        case "bowl":
            heights, radii = [0, 0.03, 0.12, 0.3, 0.48, 0.6], [0.4, 0.5, 0.9, 1.4, 1.7, 1.8]
        case "wine":
            heights, radii = [0, 0.02, 0.04, 0.4, 0.45, 0.6, 0.8, 1], [1, 1, 0.1, 0.1, 0.2, 1, 1.05, 0.85]
        case "goblet":
            heights, radii = [0, 0.03, 0.1, 0.3, 0.4, 0.55, 1], [0.9, 0.8, 0.2, 0.15, 0.4, 0.95, 1]
        case _:
            heights, radii = [0, 0.02, 0.06, 0.5, 0.94, 0.98, 1], [0.85, 0.9, 1, 1, 1, 0.92, 0.88]
    return kind, profile(np.array(heights) * height, np.array(radii) * width, 64)


def label_band(
    chance: Rng, curve: Floats, height: float, levels: tuple[float, float], at: Place, *, share: float = 1.0
) -> Mesh:
    """A printed band around an outline, between two `levels` (0..1 of the height), over a share of the turn."""
    z = np.linspace(levels[0], levels[1], 12) * height
    angle = np.linspace(-share * pi, share * pi, 96) - pi / 2
    radius = np.interp(z, curve[:, 1], curve[:, 0])[:, None] + 0.004
    points = np.stack([radius * np.cos(angle), radius * np.sin(angle), np.repeat(z[:, None], 96, 1)], -1)
    return surface(points + np.array(at), printed(label(chance, 768, 384), chance.uniform(0.15, 0.6)))


def vessel(chance: Rng) -> SceneObject:
    """One to three bottles, vases, jars, cups, bowls or cans."""
    parts: list[Part] = []
    for number in range(chance.pick((1, 1, 1, 2, 3))):
        parts += _one(chance, (number * chance.uniform(0.9, 1.2), chance.uniform(-0.3, 0.3), 0.0))
    return SceneObject(parts)


def _one(chance: Rng, at: Place) -> list[Part]:
    width, height = chance.uniform(0.25, 0.5), chance.uniform(0.7, 1.6)
    kind, curve = outline(chance, width, height)
    look = finish(chance, chance.pick((None, "ceramic", "plastic", "paint", "metal", "brushed")))
    ribs = chance.uniform(0.01, 0.04) if chance.happens(0.12) else 0.0
    parts: list[Part] = [lathe(wall(curve, 0.03 * width + 0.01), look, at=at, ribs=ribs, rib_count=chance.whole(6, 24))]
    if kind in {"can", "bottle", "jar"} and chance.happens(0.75):
        levels = {"bottle": (0.12, 0.5), "can": (0.07, 0.93), "jar": (0.07, 0.75)}[kind]
        parts.append(label_band(chance, curve, height, levels, at, share=chance.pick((1.0, 1.0, 0.4))))
    if kind in {"bottle", "jar"} and chance.happens(0.85):
        parts += _lid(chance, float(curve[-1, 0]), height, at, pump=kind == "bottle" and chance.happens(0.25))
    if kind == "cup":
        parts += _handle_and_drink(chance, curve, height * 0.6, at)
    return parts


def _lid(chance: Rng, neck: float, height: float, at: Place, *, pump: bool) -> list[Part]:
    radius, tall = neck * chance.uniform(1.05, 1.2), chance.uniform(0.06, 0.16)
    look = finish(chance, chance.pick(("plastic", "metal", "wood", "brushed")))
    low, high = height - tall * 0.5, height + tall * 0.5
    rim = [(radius * 0.98, low - 0.01), (radius, low), (radius, high - 0.02), (radius * 0.93, high), (0.001, high)]
    parts: list[Part] = [lathe(rim, look, at=at)]
    if pump:
        white = finish(chance, "plastic", colour(chance, chance.pick(("white", "black", "any"))))
        parts.append(lathe([(0.03, high), (0.03, high + 0.2), (0.001, high + 0.2)], white, at=at))
        parts.append(box((0.28, 0.08, 0.06), white, at=(at[0] + 0.08, at[1], high + 0.22)))
    return parts


def _handle_and_drink(chance: Rng, curve: Floats, height: float, at: Place) -> list[Part]:
    parts: list[Part] = []
    if chance.happens(0.8):
        t = np.linspace(-pi / 2, pi / 2, 24)
        side, tall = float(np.interp(height * 0.5, curve[:, 1], curve[:, 0])), chance.uniform(0.25, 0.35) * height
        bow = np.stack(
            [side * 0.93 + chance.uniform(0.12, 0.25) * np.cos(t), 0 * t, height * 0.5 + tall * np.sin(t)], -1
        )
        look = finish(chance, chance.pick(("ceramic", "metal", "plastic")))
        parts.append(tube(bow + np.array(at), chance.uniform(0.02, 0.04), look, flat=chance.uniform(1, 1.8)))
    if chance.happens(0.5):
        level = height * 0.8
        inner = float(np.interp(level, curve[:, 1], curve[:, 0])) * 0.95
        parts.append(lathe([(0.001, level), (inner, level)], finish(chance, "ceramic", colour(chance, "earth")), at=at))
    return parts
