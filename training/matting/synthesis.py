"""Samples, made in batches where the network is: what is drawn, how it is looked at, and what is done to it.

Decisions fall on the CPU and are lists, pixels stay on the device. The same code serves CPUs and GPUs; equal seeds
give equal samples on a CPU, and on a GPU equal but for the order in which strands are added up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import exp

import torch
from torch import Tensor
from torch.nn import functional

from training.matting.backgrounds import drawn
from training.matting.cache import Cache, Entry
from training.matting.camera import photographed
from training.matting.experiment import DataSettings, SynthesisSettings
from training.matting.filters import gaussian, wide
from training.matting.geometry import WHOLE, View, look, middle, view
from training.matting.materials import glass, net
from training.matting.records import DataError, Kind
from training.matting.rng import Rng
from training.matting.strands import FUR, HAIR, Style, strands

Layer = tuple[Tensor, Tensor]
"""Alpha [N,1,S,S] and colour [N,3,S,S], not multiplied by it."""

CUT = 0.985
"""A box that ends beyond this share of the picture is cut off by its border."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`image` [N,3,S,S] in whole values 0..255, as pictures come; `alpha` [N,1,S,S] in 0..1."""

    image: Tensor
    alpha: Tensor


@dataclass(frozen=True, slots=True)
class _Plan:
    kind: Kind
    moved: bool
    row: int
    view: View

    @property
    def composed(self) -> bool:
        return self.moved or self.kind is Kind.CUTOUT


class Synthesis:
    """Makes the batches of a run from its cache."""

    def __init__(self, cache: Cache, rows: Sequence[int], data: DataSettings, settings: SynthesisSettings, seed: int):
        """`rows` of the cache are drawn from. Raises DataError where there is nothing for what is asked for."""
        self._cache, self._settings, self._seed = cache, settings, seed
        known = {entry.group for entry in cache.entries}
        if unknown := data.weights.keys() - known:
            raise DataError(
                f"No pictures belong to {', '.join(sorted(unknown))}; there are: {', '.join(sorted(known))}."
            )
        self._photos = _Drawer(cache, rows, lambda entry: _weight(entry, data, Kind.PHOTO))
        self._cutouts = _Drawer(cache, rows, lambda entry: _weight(entry, data, Kind.CUTOUT))
        self._backgrounds = _Drawer(cache, rows, lambda entry: _as_background(entry, data))
        shares = (settings.photo, settings.moved, settings.cutout)
        there = (self._photos, self._photos, self._cutouts)
        self._shares = torch.tensor([share if drawer else 0.0 for share, drawer in zip(shares, there, strict=True)])
        if not self._shares.sum():
            raise DataError("The experiment draws only kinds of pictures of which there are none.")

    @torch.no_grad()
    def batch(self, step: int, count: int, side: int) -> Batch:
        """The samples of one step, always the same ones."""
        dice = Rng(self._seed, step, self._cache.pixels.device)
        plans = self._plans(dice, count)
        alpha, colour = self._things(dice, plans, side)
        composed = [place for place, plan in enumerate(plans) if plan.composed]
        image = colour
        if composed:
            at = torch.tensor(composed, device=colour.device)
            part_alpha, part = self._composed(dice, alpha[at], colour[at], side)
            alpha, image = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
        for style, chance in ((HAIR, self._settings.hair), (FUR, self._settings.fur)):
            alpha, image = self._grown(dice, alpha, image, style, chance)
        image = photographed(dice, image, self._settings)
        return Batch((image * 255).round_().clamp_(0, 255), alpha.clamp(0, 1))

    def _plans(self, dice: Rng, count: int) -> list[_Plan]:
        plans = []
        for choice in dice.weighted(self._shares, count):
            drawer = self._cutouts if choice == 2 else self._photos
            row = drawer.draw(dice)
            entry = self._cache.entries[row]
            seen = self._photo_view(dice, entry) if choice == 0 else placed(dice, entry)
            plans.append(_Plan(entry.kind, choice == 1, row, seen))
        return plans

    def _photo_view(self, dice: Rng, entry: Entry) -> View:
        if entry.person and dice.chance(self._settings.portrait):
            return portrait(dice, entry)
        if dice.chance(self._settings.whole):
            return view(aspect=1, height=1, frame=1, centre=(0, 0), flip=dice.chance(0.5))
        return zoomed(dice, entry)

    def _things(self, dice: Rng, plans: Sequence[_Plan], side: int) -> Layer:
        """Every sample's own picture through its view; what is composed has alpha only where the picture is."""
        rgba = torch.empty((len(plans), 4, side, side), device=self._cache.pixels.device)
        for composed, padding in ((False, "reflection"), (True, "zeros")):
            places = [place for place, plan in enumerate(plans) if plan.composed is composed]
            if places:
                rows, views = [plans[place].row for place in places], [plans[place].view for place in places]
                rgba[torch.tensor(places, device=rgba.device)] = look(
                    self._cache.pixels, rows, views, side, padding=padding
                )
        alpha, colour = rgba[:, 3:], rgba[:, :3]
        cut = [place for place, plan in enumerate(plans) if plan.moved]
        if cut:
            at = torch.tensor(cut, device=rgba.device)
            alpha = alpha.index_copy(0, at, trimmed(dice, alpha[at]))
        return alpha, colour

    def _composed(self, dice: Rng, alpha: Tensor, colour: Tensor, side: int) -> Layer:
        """Things on backgrounds: some of them nets or glass, some with a second thing, some with a shadow."""
        count = len(alpha)
        colour = (colour * dice.even(count, 1, 1, 1, low=0.7, high=1.25)).clamp(0, 1)
        for material, chance in ((net, self._settings.net), (glass, self._settings.glass)):
            places = [place for place in range(count) if dice.chance(chance)]
            if places:
                at = torch.tensor(places, device=alpha.device)
                part_alpha, part = material(dice, alpha[at], colour[at])
                alpha, colour = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
        places = [place for place in range(count) if self._cutouts and dice.chance(self._settings.second)]
        if places:
            at = torch.tensor(places, device=alpha.device)
            part_alpha, part = over((alpha[at], colour[at]), self._second(dice, len(places), side))
            alpha, colour = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
        background = self._background(dice, count, side)
        background = background * (1 - self._shadow(dice, alpha))
        return alpha, alpha * colour + (1 - alpha) * background

    def _second(self, dice: Rng, count: int, side: int) -> Layer:
        rows = [self._cutouts.draw(dice) for _ in range(count)]
        views = [placed(dice, self._cache.entries[row]) for row in rows]
        rgba = look(self._cache.pixels, rows, views, side, padding="zeros")
        return rgba[:, 3:], rgba[:, :3]

    def _background(self, dice: Rng, count: int, side: int) -> Tensor:
        """Drawn, or free parts of photographs, some of them out of focus."""
        by_rule = [place for place in range(count) if not self._backgrounds or dice.chance(self._settings.drawn)]
        seen = [place for place in range(count) if place not in by_rule]
        device = self._cache.pixels.device
        background = torch.empty((count, 3, side, side), device=device)
        if by_rule:
            background[torch.tensor(by_rule, device=device)] = drawn(dice, len(by_rule), side)
        if seen:
            rows = [self._backgrounds.draw(dice) for _ in seen]
            views = [free(dice, self._cache.entries[row]) for row in rows]
            pictures = look(self._cache.pixels, rows, views, side, padding="reflection")[:, :3]
            at = [place for place in range(len(seen)) if dice.chance(0.3)]
            if at:
                blurred = torch.tensor(at, device=device)
                sigma = dice.even(len(at), low=0.5, high=max(1.0, side / 80))
                pictures = pictures.index_copy(0, blurred, gaussian(pictures[blurred], sigma))
            background[torch.tensor(seen, device=device)] = pictures
        return background

    def _shadow(self, dice: Rng, alpha: Tensor) -> Tensor:
        """How much darker the background is, [N,1,S,S]: alpha blurred and shifted, for some."""
        side = alpha.shape[-1]
        right, down = (dice.whole(-side // 20, side // 20 + 1) for _ in range(2))
        shifted = torch.roll(alpha, (down, right), (2, 3))
        cast = torch.tensor([float(dice.chance(self._settings.shadow)) for _ in range(len(alpha))], device=alpha.device)
        return (
            wide(shifted, max(2, side // 24))
            * dice.even(len(alpha), 1, 1, 1, low=0.1, high=0.6)
            * cast.view(-1, 1, 1, 1)
        )

    def _grown(self, dice: Rng, alpha: Tensor, image: Tensor, style: Style, chance: float) -> Layer:
        places = [place for place in range(len(alpha)) if dice.chance(chance)]
        if not places:
            return alpha, image
        at = torch.tensor(places, device=alpha.device)
        part_alpha, part = alpha[at], image[at]
        hair, tone = strands(dice, part_alpha, part, style)
        grown = 1 - (1 - part_alpha) * (1 - hair)
        return alpha.index_copy(0, at, grown), image.index_copy(0, at, hair * tone + (1 - hair) * part)


class _Drawer:
    """Draws rows of the cache by weight; false where there are none."""

    def __init__(self, cache: Cache, rows: Sequence[int], weigh: Callable[[Entry], float]):
        weights = {row: weigh(cache.entries[row]) for row in rows}
        self._rows = [row for row, weight in weights.items() if weight > 0]
        self._weights = torch.tensor([weights[row] for row in self._rows], dtype=torch.float64)

    def __bool__(self) -> bool:
        return bool(self._rows)

    def draw(self, dice: Rng) -> int:
        return self._rows[dice.weighted(self._weights, 1)[0]]


def _weight(entry: Entry, data: DataSettings, kind: Kind) -> float:
    return data.weights.get(entry.group, 1.0) if entry.kind is kind else 0.0


def _as_background(entry: Entry, data: DataSettings) -> float:
    """Pictures that are nothing but background are few, so each counts for many parts of others."""
    if entry.free is None or data.weights.get(entry.group) == 0:
        return 0.0
    return 20.0 if entry.kind is Kind.BACKGROUND else 1.0


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


def free(dice: Rng, entry: Entry) -> View:
    """A part of what is free of the object."""
    assert entry.free is not None  # noqa: S101 - only such entries are drawn as backgrounds
    size = (entry.free[2] - entry.free[0]) * dice.number(0.6, 1.0)
    if entry.kind is Kind.BACKGROUND and dice.chance(0.3):
        return WHOLE
    centre = middle(entry.free)
    return view(aspect=1, height=size, frame=1, centre=centre, flip=dice.chance(0.5))


def trimmed(dice: Rng, alpha: Tensor) -> Tensor:
    """A thing cut out of a photograph without the pixels that its old background shines into; more or less soft."""
    inner = -functional.max_pool2d(-alpha, 3, 1, 1)
    wide_ = dice.even(len(alpha)) < 0.15
    sigma = torch.where(wide_, dice.even(len(alpha), low=1.5, high=4), dice.even(len(alpha), low=0.4, high=1.2))
    return gaussian(inner, sigma)


def over(upper: Layer, lower: Layer) -> Layer:
    """One layer on another."""
    alpha = upper[0] + lower[0] * (1 - upper[0])
    colour = upper[0] * upper[1] + lower[0] * (1 - upper[0]) * lower[1]
    return alpha, colour / alpha.clamp(min=1e-4)
