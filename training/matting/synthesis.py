"""Samples, made in batches where the network is: what is drawn, how it is looked at, and what is done to it.

Decisions fall on the CPU and are lists, pixels stay on the device. The same code serves CPUs and GPUs; equal seeds
give equal samples on a CPU, and on a GPU equal but for the order in which strands are added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from training.matting.backgrounds import drawn
from training.matting.cache import Cache, Entry
from training.matting.camera import photographed
from training.matting.drawers import Drawer, as_background, weight
from training.matting.experiment import DataSettings, SynthesisSettings
from training.matting.filters import gaussian, wide
from training.matting.geometry import View, look, view
from training.matting.layers import Layer, onto, over, some, trimmed
from training.matting.materials import glass, net
from training.matting.records import DataError, Kind
from training.matting.rng import Rng
from training.matting.scenes import (
    EDGE,
    at_edges,
    contact_shadow,
    darkened,
    dimmed,
    in_rows,
    indoors,
    keyed,
    near_ground,
    paled,
    with_sheet,
)
from training.matting.strands import FUR, HAIR, Style, strands
from training.matting.views import close, free, in_crowd, placed, portrait, zoomed

Composed = tuple[Tensor, Tensor, Tensor]
"""Alpha [N,1,S,S], the whole picture [N,3,S,S], and which of them hold a soft material, [N]."""


@dataclass(frozen=True, slots=True)
class Batch:
    """`image` [N,3,S,S] in whole values 0..255, as pictures come; `alpha` [N,1,S,S] in 0..1.

    `soft` [N] says which samples hold a material that is half transparent by right.
    """

    image: Tensor
    alpha: Tensor
    soft: Tensor


class Scene(StrEnum):
    """What a sample shows, by the name of its share in the experiment."""

    PHOTO = "photo"
    MOVED = "moved"
    CUTOUT = "cutout"
    NEAR = "near"
    GROUP = "group"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class _Plan:
    scene: Scene
    row: int
    view: View
    moved: bool
    soft: bool

    @property
    def composed(self) -> bool:
        return self.scene is not Scene.PHOTO


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
        self._photos = Drawer(cache, rows, lambda entry: weight(entry, data, Kind.PHOTO))
        self._cutouts = Drawer(cache, rows, lambda entry: weight(entry, data, Kind.CUTOUT))
        self._backgrounds = Drawer(cache, rows, lambda entry: as_background(entry, data))
        self._people = Drawer(cache, rows, lambda entry: weight(entry, data, Kind.PHOTO) * entry.person)
        self._soft = frozenset(data.soft)
        shares = [getattr(settings, scene) if any(self._drawers(scene)) else 0.0 for scene in Scene]
        self._shares = torch.tensor(shares, dtype=torch.float64)
        if not self._shares.sum():
            raise DataError("The experiment draws only kinds of pictures of which there are none.")

    @torch.no_grad()
    def batch(self, step: int, count: int, side: int) -> Batch:
        """The samples of one step, always the same ones."""
        dice = Rng(self._seed, step, self._cache.pixels.device)
        plans = self._plans(dice, count)
        alpha, colour = self._things(dice, plans, side)
        soft = torch.tensor([plan.soft for plan in plans], device=colour.device)
        image = colour
        for scenes, compose in (
            ((Scene.MOVED, Scene.CUTOUT), self._composed),
            ((Scene.NEAR,), self._near),
            ((Scene.GROUP,), self._group),
            ((Scene.DARK,), self._dark),
        ):
            places = [place for place, plan in enumerate(plans) if plan.scene in scenes]
            if places:
                at = torch.tensor(places, device=colour.device)
                part_alpha, part, part_soft = compose(dice, alpha[at], colour[at])
                alpha, image = alpha.index_copy(0, at, part_alpha), image.index_copy(0, at, part)
                soft = soft.index_copy(0, at, soft[at] | part_soft)
        for style, chance in ((HAIR, self._settings.hair), (FUR, self._settings.fur)):
            alpha, image = self._grown(dice, alpha, image, style, chance)
        # Things on near grounds are exposed already: once more, and white on white would be white alone.
        exposed = [plan.scene is Scene.NEAR for plan in plans]
        image = photographed(dice, image, self._settings, exposed)
        image = (image * 255).round_().clamp_(0, 255)
        return Batch(darkened(image) if self._settings.darken_light else image, alpha.clamp(0, 1), soft)

    def _drawers(self, scene: Scene) -> tuple[Drawer, ...]:
        """Where the thing of such a scene may come from."""
        match scene:
            case Scene.PHOTO | Scene.MOVED:
                return (self._photos,)
            case Scene.CUTOUT:
                return (self._cutouts,)
            case Scene.GROUP:
                return (self._people,)
            case Scene.NEAR | Scene.DARK:
                return tuple(drawer for drawer in (self._photos, self._cutouts) if drawer)

    def _plans(self, dice: Rng, count: int) -> list[_Plan]:
        scenes = [list(Scene)[choice] for choice in dice.weighted(self._shares, count)]
        return [self._plan(dice, scene) for scene in scenes]

    def _plan(self, dice: Rng, scene: Scene) -> _Plan:
        row = dice.one_of(self._drawers(scene)).draw(dice)
        entry = self._cache.entries[row]
        match scene:
            case Scene.PHOTO:
                seen = self._photo_view(dice, entry)
            case Scene.GROUP:
                seen = in_crowd(dice, entry, dice.number(-0.5, 0.5))
            case Scene.NEAR if self._settings.close and dice.chance(self._settings.close):
                seen = close(dice, entry)
            case Scene.DARK if entry.person and dice.chance(self._settings.dark_portrait):
                seen = portrait(dice, entry)
            case _:
                seen = placed(dice, entry)
        moved = entry.kind is Kind.PHOTO and scene is not Scene.PHOTO
        return _Plan(scene, row, seen, moved, entry.group in self._soft)

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

    def _composed(self, dice: Rng, alpha: Tensor, colour: Tensor) -> Composed:
        """Things on backgrounds: some of them nets or glass, some with a second thing, some with a shadow."""
        count = len(alpha)
        colour = (colour * dice.even(count, 1, 1, 1, low=0.7, high=1.25)).clamp(0, 1)
        soft = torch.zeros(count, dtype=torch.bool, device=alpha.device)
        for material, chance in ((net, self._settings.net), (glass, self._settings.glass)):
            places = [place for place in range(count) if dice.chance(chance)]
            if places:
                at = torch.tensor(places, device=alpha.device)
                part_alpha, part = material(dice, alpha[at], colour[at])
                alpha, colour = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
                soft[at] = True
        places = [place for place in range(count) if self._cutouts and dice.chance(self._settings.second)]
        if places:
            at = torch.tensor(places, device=alpha.device)
            second, second_soft = self._second(dice, len(places), alpha.shape[-1])
            part_alpha, part = over((alpha[at], colour[at]), second)
            alpha, colour = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
            soft[at] |= second_soft
        background = self._background(dice, count, alpha.shape[-1])
        background = background * (1 - self._shadow(dice, alpha))
        return alpha, onto(alpha, colour, background), soft

    def _near(self, dice: Rng, alpha: Tensor, colour: Tensor) -> Composed:
        """Things, half of them white or black, on grounds of almost the colour of their rim."""
        alpha, colour = self._in_rows(dice, alpha, colour)
        colour = paled(dice, (colour * dice.even(len(alpha), 1, 1, 1, low=0.8, high=1.6)).clamp(0, 1))
        ground = near_ground(dice, alpha, colour)
        if self._settings.sheet:
            ground = with_sheet(dice, ground, self._settings.sheet)
        shaded = ground * (1 - self._shadow(dice, alpha)) * (1 - contact_shadow(dice, alpha) * some(dice, alpha, 0.5))
        return alpha, keyed(dice, onto(alpha, colour, shaded), ground), _nothing_soft(alpha)

    def _in_rows(self, dice: Rng, alpha: Tensor, colour: Tensor) -> Layer:
        """Some of the things that are whole in their frame, in rows."""
        if not self._settings.rows:
            return alpha, colour
        edges = at_edges(alpha).tolist()
        places = [place for place, edge in enumerate(edges) if edge < EDGE and dice.chance(self._settings.rows)]
        if not places:
            return alpha, colour
        at = torch.tensor(places, device=alpha.device)
        part_alpha, part = in_rows(dice, alpha[at], colour[at])
        return alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)

    def _group(self, dice: Rng, alpha: Tensor, colour: Tensor) -> Composed:
        """Two to six people, the further ones behind the nearer, in the light of a room."""
        numbers = [dice.whole(2, 7) for _ in range(len(alpha))]
        for before in range(1, max(numbers)):
            places = [place for place, number in enumerate(numbers) if number > before]
            at = torch.tensor(places, device=alpha.device)
            part_alpha, part = over((alpha[at], colour[at]), self._bystanders(dice, len(places), alpha.shape[-1]))
            alpha, colour = alpha.index_copy(0, at, part_alpha), colour.index_copy(0, at, part)
        background = self._background(dice, len(alpha), alpha.shape[-1])
        return alpha, indoors(dice, onto(alpha, colour, background)), _nothing_soft(alpha)

    def _bystanders(self, dice: Rng, count: int, side: int) -> Layer:
        rows = [self._people.draw(dice) for _ in range(count)]
        views = [in_crowd(dice, self._cache.entries[row], dice.number(-1.1, 1.1)) for row in rows]
        rgba = look(self._cache.pixels, rows, views, side, padding="zeros")
        return trimmed(dice, rgba[:, 3:]), rgba[:, :3]

    def _dark(self, dice: Rng, alpha: Tensor, colour: Tensor) -> Composed:
        """Dark things on grounds as dark: half of these almost of their colour, half pictures."""
        colour = dimmed(dice, colour, alpha)
        picture = dimmed(dice, self._background(dice, len(alpha), alpha.shape[-1]))
        ground = torch.where(some(dice, alpha, 0.5) > 0, near_ground(dice, alpha, colour), picture)
        return alpha, onto(alpha, colour, ground), _nothing_soft(alpha)

    def _second(self, dice: Rng, count: int, side: int) -> tuple[Layer, Tensor]:
        """Cut-outs, and which of them are soft, [count]."""
        rows = [self._cutouts.draw(dice) for _ in range(count)]
        views = [placed(dice, self._cache.entries[row]) for row in rows]
        rgba = look(self._cache.pixels, rows, views, side, padding="zeros")
        soft = [self._cache.entries[row].group in self._soft for row in rows]
        return (rgba[:, 3:], rgba[:, :3]), torch.tensor(soft, device=rgba.device)

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
        darker = dice.even(len(alpha), 1, 1, 1, low=0.1, high=0.6)
        return wide(shifted, max(2, side // 24)) * darker * some(dice, alpha, self._settings.shadow)

    def _grown(self, dice: Rng, alpha: Tensor, image: Tensor, style: Style, chance: float) -> Layer:
        places = [place for place in range(len(alpha)) if dice.chance(chance)]
        if not places:
            return alpha, image
        at = torch.tensor(places, device=alpha.device)
        part_alpha, part = alpha[at], image[at]
        hair, tone = strands(dice, part_alpha, part, style)
        grown = 1 - (1 - part_alpha) * (1 - hair)
        return alpha.index_copy(0, at, grown), image.index_copy(0, at, hair * tone + (1 - hair) * part)


def _nothing_soft(alpha: Tensor) -> Tensor:
    return torch.zeros(len(alpha), dtype=torch.bool, device=alpha.device)
