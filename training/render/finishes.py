"""Finishes: what makers make things of. A new one is a function and a line in FINISHES."""

from collections.abc import Callable

from training.render.looks import Colour, Look, Pattern, anyhow, colour, darker
from training.render.rng import Rng

METALS: tuple[Colour, ...] = ((0.9, 0.88, 0.85), (0.95, 0.7, 0.3), (0.9, 0.55, 0.4), (0.55, 0.56, 0.58))
WOODS: tuple[Colour, ...] = ((0.35, 0.18, 0.07), (0.55, 0.36, 0.18), (0.12, 0.05, 0.02), (0.7, 0.55, 0.35))
USUAL = (
    "plastic", "plastic", "metal", "brushed", "paint", "wood", "fabric", "ceramic", "rubber", "leather", "marble",
    "speckle", "stripes", "chequers", "rough",
)  # fmt: skip


def finish(chance: Rng, name: str | None = None, base: Colour | None = None) -> Look:
    """A look by the name of its finish, any usual one by default, of a chosen or any colour."""
    return FINISHES[name or chance.pick(USUAL)](chance, base or colour(chance))


def _plastic(chance: Rng, base: Colour) -> Look:
    low = chance.uniform(0.1, 0.3)
    grain = chance.pick((0.0, 0.0, 0.1))
    return Look((base,), roughness=(low, low + chance.uniform(0.05, 0.25)), bump=grain, bump_scale=120)


def _metal(chance: Rng, _base: Colour) -> Look:
    low = chance.uniform(0.05, 0.2)
    return Look((chance.pick(METALS),), metallic=1, roughness=(low, low + chance.uniform(0, 0.2)))


def _brushed(chance: Rng, base: Colour) -> Look:
    tone = chance.pick((*METALS, base))
    return Look((tone,), metallic=1, roughness=(0.2, 0.4), bump=0.15, bump_scale=3, stretch=(2, 2, 160))


def _paint(chance: Rng, base: Colour) -> Look:
    return Look((base,), metallic=chance.uniform(0, 0.6), roughness=(0.3, 0.5), coat=1)


def _ceramic(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    other = colour(chance) if chance.happens(0.4) else darker(base, 0.85)
    return Look(
        (base, base, other), pattern=Pattern.CLOUDS, scale=chance.uniform(4, 60), turn=turn, shift=shift,
        roughness=(0.05, 0.25), coat=chance.uniform(0, 1),
    )  # fmt: skip


def _wood(chance: Rng, _base: Colour) -> Look:
    turn, shift = anyhow(chance)
    tone = chance.pick(WOODS)
    return Look(
        (tone, darker(tone, chance.uniform(0.5, 0.8))), pattern=Pattern.WAVES, scale=chance.uniform(2, 6), turn=turn,
        shift=shift, stretch=(1, 1, 0.15), distortion=chance.uniform(3, 8), relief=True, roughness=(0.25, 0.6),
        bump=0.08,
    )  # fmt: skip


def _fabric(chance: Rng, base: Colour) -> Look:
    return Look(
        (darker(base, 0.55), base), pattern=Pattern.WEAVE, scale=chance.uniform(40, 140), relief=True,
        roughness=(0.9, 0.9), sheen=chance.uniform(0.2, 0.9), bump=0.5,
    )  # fmt: skip


def _rubber(chance: Rng, base: Colour) -> Look:
    tone = colour(chance, "black") if chance.happens(0.6) else base
    return Look((tone,), roughness=(0.5, 0.8), bump=0.1, bump_scale=200)


def _leather(chance: Rng, base: Colour) -> Look:
    tone = base if chance.happens(0.4) else colour(chance, "earth")
    return Look((tone,), roughness=(0.35, 0.6), bump=0.35, bump_scale=chance.uniform(60, 140))


def _marble(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    veins = (colour(chance, "black"), base, colour(chance, "white"), colour(chance, "white"))
    return Look(
        veins, pattern=Pattern.CLOUDS, scale=chance.uniform(1, 3), distortion=chance.uniform(1, 3), turn=turn,
        shift=shift, roughness=(0.1, 0.3),
    )  # fmt: skip


def _speckle(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    matt = chance.uniform(0.2, 0.8)
    return Look(
        (base, colour(chance), colour(chance)), pattern=Pattern.CELLS, scale=chance.uniform(8, 40), turn=turn,
        shift=shift, steps=chance.happens(0.5), roughness=(matt, matt),
    )  # fmt: skip


def _stripes(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    matt = chance.uniform(0.2, 0.8)
    return Look(
        (base, colour(chance), colour(chance)), pattern=Pattern.WAVES, scale=chance.uniform(0.8, 5), turn=turn,
        shift=shift, distortion=chance.pick((0.0, chance.uniform(0, 4))), steps=True, roughness=(matt, matt),
    )  # fmt: skip


def _chequers(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    matt = chance.uniform(0.2, 0.8)
    return Look(
        (base, colour(chance)), pattern=Pattern.CHEQUERS, scale=chance.uniform(3, 12), turn=turn, shift=shift,
        roughness=(matt, matt),
    )  # fmt: skip


def _planks(chance: Rng, _base: Colour) -> Look:
    tone = chance.pick(WOODS)
    return Look(
        (tone, darker(tone, chance.uniform(0.6, 0.95))), pattern=Pattern.BRICKS, stretch=(0.3, 1, 1),
        turn=(0, 0, chance.uniform(0, 3)), scale=chance.uniform(1, 4), roughness=(0.2, 0.6),
    )  # fmt: skip


def _tiles(chance: Rng, base: Colour) -> Look:
    return Look(
        (base, darker(base, chance.uniform(0.7, 0.95))), pattern=Pattern.BRICKS, roughness=(0.1, 0.4),
        turn=(0, 0, chance.uniform(0, 3)), scale=chance.uniform(1, 4),
    )  # fmt: skip


def _rough(chance: Rng, base: Colour) -> Look:
    turn, shift = anyhow(chance)
    return Look(
        (darker(base, 0.5), base), pattern=Pattern.CLOUDS, scale=chance.uniform(2, 12), turn=turn, shift=shift,
        roughness=(0.6, 1), bump=chance.uniform(0.2, 0.7), bump_scale=chance.uniform(8, 40),
    )  # fmt: skip


FINISHES: dict[str, Callable[[Rng, Colour], Look]] = {
    "plastic": _plastic,
    "metal": _metal,
    "brushed": _brushed,
    "paint": _paint,
    "ceramic": _ceramic,
    "wood": _wood,
    "fabric": _fabric,
    "rubber": _rubber,
    "leather": _leather,
    "marble": _marble,
    "speckle": _speckle,
    "stripes": _stripes,
    "chequers": _chequers,
    "planks": _planks,
    "tiles": _tiles,
    "rough": _rough,
}
