"""Looks: what surfaces are made of, as numbers that `shading` turns into nodes."""

import colorsys
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from training.render.rng import Rng

Colour = tuple[float, float, float]
"""Linear red, green, blue in 0..1."""
Triple = tuple[float, float, float]


class Pattern(StrEnum):
    """How colours are spread over a surface."""

    PLAIN = "plain"
    CLOUDS = "clouds"
    WAVES = "waves"
    WEAVE = "weave"
    CELLS = "cells"
    CHEQUERS = "chequers"
    BRICKS = "bricks"
    PICTURE = "picture"


class Body(StrEnum):
    """What light meets."""

    SOLID = "solid"
    SHEER = "sheer"  # thin cloth or tinted sheet: part of the light passes straight
    LEAF = "leaf"  # lets light glow through from behind
    FIBRE = "fibre"  # each strand of a slightly different shade
    HAIR = "hair"  # hair by its melanin


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A material.

    Attributes:
        colours: what the pattern runs through; of chequers and bricks, the first two.
        scale, stretch, turn, shift: size and place of the pattern; `distortion` bends it; `steps` makes its borders
            hard.
        roughness: the range over worn and polished places.
        bump: how high `bump_scale`-sized grain stands out; with `relief`, the pattern itself stands out.
        transmission: 1 is glass. opacity: of a sheer sheet seen from the front.
        holes: a sheer sheet has round holes where it is thin, as lace does.
        melanin: of HAIR, 0 white to 1 black.
        picture: RGB of a PICTURE [H,W,3].
    """

    colours: tuple[Colour, ...]
    body: Body = Body.SOLID
    pattern: Pattern = Pattern.PLAIN
    scale: float = 5.0
    stretch: Triple = (1.0, 1.0, 1.0)
    turn: Triple = (0.0, 0.0, 0.0)
    shift: Triple = (0.0, 0.0, 0.0)
    distortion: float = 0.0
    steps: bool = False
    roughness: tuple[float, float] = (0.5, 0.5)
    metallic: float = 0.0
    coat: float = 0.0
    sheen: float = 0.0
    subsurface: float = 0.0
    bump: float = 0.0
    bump_scale: float = 20.0
    relief: bool = False
    transmission: float = 0.0
    opacity: float = 1.0
    holes: float = 0.0
    melanin: float = 0.0
    picture: NDArray[np.uint8] | None = None


SHADES = ("any", "any", "any", "white", "black", "grey", "pastel", "earth")


def colour(chance: Rng, shade: str | None = None) -> Colour:
    """A colour of a shade: any, white, black, grey, pastel, earth."""
    match shade or chance.pick(SHADES):
        case "white":
            value = chance.uniform(0.75, 0.92)
            return value, value * chance.uniform(0.95, 1), value * chance.uniform(0.9, 1)
        case "black":
            value = chance.uniform(0.004, 0.03)
            return value, value, value * chance.uniform(0.9, 1.2)
        case "grey":
            value = chance.uniform(0.05, 0.6)
            return value, value, value
        case "pastel":
            return _hsv(chance.uniform(), chance.uniform(0.15, 0.45), chance.uniform(0.6, 0.9))
        case "earth":
            return _hsv(chance.uniform(0.02, 0.13), chance.uniform(0.3, 0.8), chance.uniform(0.05, 0.5))
        case _:
            return _hsv(chance.uniform(), chance.uniform(0.4, 1), chance.uniform(0.15, 0.9))


def _hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue, saturation, value)


def darker(of: Colour, by: float) -> Colour:
    """The colour times `by`."""
    return of[0] * by, of[1] * by, of[2] * by


def glass(tint: Colour = (1.0, 1.0, 1.0), roughness: float = 0.0) -> Look:
    """Clear or tinted glass; rough glass is frosted."""
    return Look((tint,), transmission=1, roughness=(roughness, roughness))


def tinted_glass(chance: Rng) -> Look:
    """Glass as it comes: mostly clear, some coloured, some frosted."""
    tint = (1.0, 1.0, 1.0) if chance.happens(0.5) else darker(colour(chance, "pastel"), 1.1)
    return glass(tint, 0.0 if chance.happens(0.8) else chance.uniform(0.05, 0.25))


def sheer(chance: Rng, base: Colour | None = None, opacity: float | None = None, *, holes: bool = False) -> Look:
    """Thin cloth, film or a tinted lens."""
    turn, shift = anyhow(chance)
    return Look(
        (base or colour(chance),), body=Body.SHEER, opacity=chance.uniform(0.15, 0.75) if opacity is None else opacity,
        holes=chance.uniform(8, 22) if holes else 0, turn=turn, shift=shift, roughness=(0.8, 0.8), sheen=0.5,
    )  # fmt: skip


def fibres(base: Colour) -> Look:
    """Fur, threads and blades of one colour in many shades."""
    return Look((darker(base, 0.55), base), body=Body.FIBRE, roughness=(0.6, 0.6), sheen=0.3)


def hair(chance: Rng) -> Look:
    """Hair of a head: by melanin mostly, dyed now and then."""
    if chance.happens(0.2):
        return fibres(colour(chance))
    melanin = chance.pick((0.05, 0.2, 0.4, 0.6, 0.8, 0.98))
    return Look(((0, 0, 0),), body=Body.HAIR, melanin=melanin, sheen=chance.uniform(0.2, 1), roughness=(0.2, 0.4))


def leaf(chance: Rng) -> Look:
    """A leaf's green, or now and then another colour."""
    green = (chance.uniform(0.02, 0.15), chance.uniform(0.12, 0.4), chance.uniform(0.01, 0.08))
    tone = colour(chance, chance.pick(("any", "earth"))) if chance.happens(0.15) else green
    return Look((darker(tone, 0.6), tone), body=Body.LEAF, pattern=Pattern.CLOUDS, scale=9, roughness=(0.3, 0.6))


def petal(chance: Rng) -> Look:
    """A petal's colour."""
    tone = colour(chance, chance.pick(("any", "any", "white", "pastel")))
    return Look((darker(tone, 0.75), tone), body=Body.LEAF, pattern=Pattern.CLOUDS, scale=6, roughness=(0.5, 0.7))


def printed(picture: NDArray[np.uint8], roughness: float) -> Look:
    """A label, cover or screen: `picture` [H,W,3] laid on by uv."""
    return Look(((1, 1, 1),), pattern=Pattern.PICTURE, picture=picture, roughness=(roughness, roughness), coat=0.2)


def anyhow(chance: Rng) -> tuple[Triple, Triple]:
    """A turn and a shift of a pattern."""
    return (
        (chance.uniform(0, 0.5), chance.uniform(0, 0.5), chance.uniform(0, 3)),
        (chance.uniform(0, 9), chance.uniform(0, 9), chance.uniform(0, 9)),
    )
