"""Where samples look: which part of a photograph they show, and where in a frame a thing of its own is put."""

from math import exp

from training.matting.cache import Entry
from training.matting.geometry import WHOLE, View, middle, view
from training.matting.records import Kind
from training.matting.rng import Rng

CUT = 0.985
"""A box that ends beyond this share of the picture is cut off by its border."""


def zoomed(dice: Rng, entry: Entry) -> View:
    """Part of a photograph, or a little more than all of it, with much of its object."""
    height = 1 / dice.number(0.85, 1.9)
    frame = entry.aspect * exp(dice.number(-0.12, 0.12))
    x, y = middle(entry.box)
    room = max(0.0, 1 - height)
    centre = tuple(min(room, max(-room, at + dice.number(-0.35, 0.35))) for at in (x, y))
    angle = dice.number(-0.25, 0.25) if dice.chance(0.4) else 0.0
    return view(
        aspect=entry.aspect,
        height=height,
        frame=frame,
        centre=(centre[0], centre[1]),
        angle=angle,
        flip=dice.chance(0.5),
    )


def portrait(dice: Rng, entry: Entry) -> View:
    """Head and shoulders of a person who is seen from head to foot."""
    top, tall = entry.box[1], entry.box[3] - entry.box[1]
    height = tall / dice.number(1.5, 3.2)
    centre = (entry.head * 2 - 1 + dice.number(-0.25, 0.25) * height, 2 * (top + height * dice.number(0.28, 0.48)) - 1)
    return view(
        aspect=entry.aspect, height=height, frame=exp(dice.number(-0.4, 0.35)), centre=centre,
        angle=dice.number(-0.15, 0.15) if dice.chance(0.3) else 0.0, flip=dice.chance(0.5),
    )  # fmt: skip


def placed(dice: Rng, entry: Entry) -> View:
    """A thing somewhere in a frame, standing on its lower border where its own picture cut it off there."""
    wide_, tall = entry.box[2] - entry.box[0], entry.box[3] - entry.box[1]
    frame = exp(dice.number(-0.4, 0.4))
    size = dice.number(0.35, 1.0)
    # No wider than the frame by more than a fifth.
    size = min(size, 1.2 * frame * tall / max(wide_ * entry.aspect, 1e-3))
    x, y = dice.number(-0.4, 0.4), dice.number(-0.4, 0.4)
    angle = dice.number(-0.4, 0.4) if dice.chance(0.5) else 0.0
    if entry.kind is Kind.PHOTO and entry.box[3] > CUT:
        y, angle = 1.02 - size, 0.0
    return view(
        aspect=entry.aspect, height=max(tall, 0.02) / size, frame=frame, centre=middle(entry.box), at=(x, y),
        angle=angle, flip=dice.chance(0.5),
    )  # fmt: skip


def close(dice: Rng, entry: Entry) -> View:
    """A thing that is larger than the frame, which shows a part of it and a little of what is beside it."""
    wide_, tall = entry.box[2] - entry.box[0], entry.box[3] - entry.box[1]
    frame = exp(dice.number(-0.4, 0.4))
    size = dice.number(1.1, 1.9) * max(1.0, frame * tall / max(wide_ * entry.aspect, 1e-3)) ** 0.5
    return view(
        aspect=entry.aspect, height=max(tall, 0.02) / size, frame=frame, centre=middle(entry.box),
        at=(dice.number(-0.6, 0.6), dice.number(-0.6, 0.6)), flip=dice.chance(0.5),
    )  # fmt: skip


def free(dice: Rng, entry: Entry) -> View:
    """A part of what is free of the object."""
    assert entry.free is not None  # noqa: S101 - only such entries are drawn as backgrounds
    size = (entry.free[2] - entry.free[0]) * dice.number(0.6, 1.0)
    if entry.kind is Kind.BACKGROUND and dice.chance(0.3):
        return WHOLE
    centre = middle(entry.free)
    return view(aspect=1, height=size, frame=1, centre=centre, flip=dice.chance(0.5))


def in_crowd(dice: Rng, entry: Entry, place: float) -> View:
    """A person among others, about `place` from left (-1) to right (1): head in the frame, the rest often cut off."""
    tall = entry.box[3] - entry.box[1]
    size = exp(dice.number(-0.35, 0.7))
    head = dice.number(-0.95, -0.3)
    return view(
        aspect=entry.aspect, height=max(tall, 0.02) / size, frame=exp(dice.number(-0.1, 0.5)),
        centre=(entry.head * 2 - 1, entry.box[1] * 2 - 1), at=(place, head),
        angle=dice.number(-0.12, 0.12), flip=dice.chance(0.5),
    )  # fmt: skip
