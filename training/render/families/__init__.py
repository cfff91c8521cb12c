"""The families: what is made, why, and how often. A new thing is a function and its name in one line here."""

from collections.abc import Callable
from dataclasses import dataclass

from training.render.families import (
    cloth,
    food,
    furniture,
    furs,
    gadgets,
    glass,
    grasses,
    heads,
    jewellery,
    nets,
    packages,
    plants,
    plumes,
    products,
    ropes,
    tools,
    toys,
    vessels,
    wearables,
    wheels,
    wires,
)  # fmt: skip
from training.render.rng import Rng
from training.render.scene_object import SceneObject

Kind = Callable[[Rng], SceneObject]


@dataclass(frozen=True, slots=True)
class Family:
    """Things that teach a network the same.

    Attributes:
        why: what for; shown by the command `families` and in docs/rendering.md.
        kinds: each makes another thing; named twice it comes twice as often.
        weight: how often the family comes, in a batch of all; 0 leaves it to those who name it, so that the numbers of
            batches of all, by which results are recorded, keep their pictures.
    """

    why: str
    kinds: tuple[Kind, ...]
    weight: int = 1

    def make(self, chance: Rng) -> SceneObject:
        """One thing of one of the kinds."""
        return chance.pick(self.kinds)(chance)


FAMILIES: dict[str, Family] = {
    "plant": Family(
        "whole plants: leaves, stems and pot are one thing",
        (plants.shrub, plants.bonsai, plants.big_leaves, plants.swords, plants.palm, plants.flowers, plants.flowers,
         plants.trailing, plants.cactus, plants.branch),
        weight=4,
    ),
    "mesh_net": Family(
        "nets, fences, sieves, baskets, rackets, cages: the background shows through holes",
        (nets.net, nets.fence, nets.sieve, nets.basket, nets.net_bag, nets.racket, nets.cage, nets.grating),
        weight=4,
    ),
    "head": Family(
        "hair, short to long and loose, and hair alone; never a portrait",
        (heads.short_hair, heads.long_hair, heads.long_hair, heads.flying_hair, heads.flying_hair, heads.bun,
         heads.wig),
        weight=3,
    ),
    "glassware": Family(
        "glass vessels, bulbs, lenses: alpha between 0 and 1 inside",
        (glass.vessels, glass.vessels, glass.vessels, glass.bulb, glass.magnifier, glass.flask, glass.lamp_shade),
        weight=3,
    ),
    "package": Family("labelled boxes, cartons, books, pouches, tubes", (packages.package,), weight=3),
    "grass": Family(
        "grasses, lawn, ferns, ears: many thin blades",
        (grasses.tuft, grasses.turf, grasses.fern, grasses.ears),
        weight=2,
    ),
    "wire": Family(
        "springs, whisks, hangers, chains, jewellery: thin metal",
        (wires.spring, wires.whisk, wires.hanger, wires.tangle, wires.chain, wires.necklace, wires.jewel),
        weight=2,
    ),
    "wheel": Family("wheels, bicycles, fans: spokes", (wheels.wheel, wheels.bicycle, wheels.bicycle, wheels.fan), 2),
    "vessel": Family("bottles, vases, jars, cups, cans, bowls", (vessels.vessel,), weight=2),
    "gadget": Family(
        "cameras, loudspeakers, telephones, computers, headphones, clocks, lamps, robots",
        (gadgets.camera, gadgets.speaker, gadgets.phone, gadgets.laptop, gadgets.headphones, gadgets.clock,
         gadgets.desk_lamp, gadgets.robot),
        weight=2,
    ),
    "furniture": Family(
        "tables, chairs, sofas, shelves, lamps: legs and gaps",
        (furniture.table, furniture.chair, furniture.chair, furniture.sofa, furniture.shelf, furniture.standing_lamp),
        weight=2,
    ),
    "shoe_bag": Family(
        "shoes, boots, bags, backpacks, hats",
        (wearables.shoes, wearables.shoes, wearables.boots, wearables.bag, wearables.backpack, wearables.hat),
        weight=2,
    ),
    "plush": Family(
        "fur: soft toys, balls, cushions, slippers, boas",
        (furs.animal, furs.animal, furs.animal, furs.ball, furs.cushion, furs.slippers, furs.scarf),
        weight=2,
    ),
    "feather": Family(
        "feathers, dandelions, dusters, plumes: the softest alpha",
        (plumes.feathers, plumes.dandelion, plumes.duster, plumes.plume),
        weight=2,
    ),
    "cloth": Family(
        "veils, lace, fringes, flags, shirts, umbrellas, balloons",
        (cloth.veil, cloth.veil, cloth.scarf, cloth.flag, cloth.shirt, cloth.umbrella, cloth.balloons),
        weight=2,
    ),
    "eyewear": Family("spectacles and sun glasses: thin frames around tinted sheets", (glass.eyewear,)),
    "rope": Family("ropes, cables, wool: fibres along a line", (ropes.rope, ropes.rope, ropes.cable, ropes.yarn)),
    "tools": Family("tools, cutlery, brushes", (tools.tools, tools.tools, tools.tools, tools.brush)),
    "toycar": Family("toy cars, planes, boats: smooth paint", (toys.vehicle, toys.vehicle, toys.plane, toys.boat)),
    "food": Family("fruit, cakes, bananas, mushrooms", (food.fruit, food.fruit, food.cake, food.bananas, food.mushrooms,
                                                        food.pineapple)),
    "jewellery": Family(
        "pendants on fine chains, watches on their straps, earrings, bracelets, rings",
        (jewellery.pendant, jewellery.pendant, jewellery.watch, jewellery.watch, jewellery.earrings,
         jewellery.bracelet, jewellery.rings),
        weight=0,
    ),
    "product": Family(
        "chargers, telephones, kettles, lamps, bags on straps: thin parts, mostly white",
        (products.charger, products.phone_back, products.kettle, products.hanging_lamps, products.shoulder_bag,
         products.carrier_bag, products.trestle),
        weight=0,
    ),
    "one_tone": Family(
        "chairs, lamps, headphones, bicycles, shoes, vessels in white or black alone",
        (products.one_tone,),
        weight=0,
    ),
}  # fmt: skip


def cycle(names: list[str]) -> list[str]:
    """The order in which families follow each other: each as often as its weight, spread out."""
    weights = {name: max(FAMILIES[name].weight, 1) for name in names}
    return [name for turn in range(max(weights.values())) for name in names if weights[name] > turn]


def usual() -> list[str]:
    """The families of a batch for which none are named."""
    return [name for name, family in FAMILIES.items() if family.weight]
