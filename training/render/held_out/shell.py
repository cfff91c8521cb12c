"""What a product is made of."""

from training.render.finishes import finish
from training.render.looks import Look, colour
from training.render.rng import Rng

SHELLS = ("plastic", "plastic", "paint", "rubber")


def shell(chance: Rng, shade: str) -> Look:
    """What most of a product is made of, of a shade that `colour` knows."""
    return finish(chance, chance.pick(SHELLS[:3] if shade == "white" else SHELLS), colour(chance, shade))
