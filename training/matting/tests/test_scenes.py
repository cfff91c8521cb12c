"""Scenes in which a subject is hard to tell from its ground: each is what its name says."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from training.matting.cache import Cache, open_cache
from training.matting.camera import luma
from training.matting.experiment import DataSettings, LossSettings, SynthesisSettings
from training.matting.losses import loss
from training.matting.records import find
from training.matting.rng import Rng
from training.matting.scenes import (
    LEVEL,
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
from training.matting.synthesis import Batch, Synthesis
from training.matting.tests.pictures import SIDE, data_folder

CPU = torch.device("cpu")
SHARES = ("photo", "moved", "cutout", "near", "group", "dark")
EFFECTS = ("hair", "fur", "net", "glass", "second", "shadow", "colour", "grey", "blur", "noise", "jpeg", "portrait")
SOFT_GLASS = DataSettings(soft=("glassware",))
SOLID = DataSettings(weights={"glassware": 0, "rendered_pairs": 0})
FAR = 45
"""Levels that sweep, falling light, cloth and shadow may add to the 15 between a rim and its ground."""


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    folder: Path = tmp_path_factory.mktemp("scenes")
    data = data_folder(folder / "data")
    records = find(data, permissive_only=False)
    return open_cache(records, data, folder / "cache", side=SIDE, soften_hard=False, seen=lambda _number: None)


def only(cache: Cache, share: str, data: DataSettings | None = None, count: int = 12, **settings: object) -> Batch:
    """A batch of one kind of scene with nothing done to it but what is said."""
    chosen = SynthesisSettings.model_validate(
        dict.fromkeys(SHARES, 0.0) | dict.fromkeys(EFFECTS, 0.0) | {share: 1.0} | settings
    )
    return Synthesis(cache, range(len(cache.entries)), data or DataSettings(), chosen, 1).batch(0, count, 96)


def a_thing(count: int = 16) -> tuple[Tensor, Tensor]:
    """Alpha and colour of an orange block that stands in the middle."""
    alpha = torch.zeros((count, 1, 96, 96))
    alpha[..., 30:70, 30:66] = 1
    return alpha, torch.tensor([0.8, 0.5, 0.3]).view(1, 3, 1, 1).expand(count, 3, 96, 96)


def inside_and_outside(batch: Batch) -> tuple[Tensor, Tensor]:
    """Mean colour of what is solid and of what is not there, [N,3] each."""
    solid, free = (batch.alpha > 0.99).float(), (batch.alpha < 0.01).float()
    inside, outside = ((batch.image * part).sum((2, 3)) / part.sum((2, 3)).clamp(min=1) for part in (solid, free))
    return inside, outside


def test_things_in_rows_are_whole_and_many() -> None:
    alpha, colour = a_thing()
    many, drawn = in_rows(Rng(1, 0, CPU), alpha.clone(), colour.clone())
    counts = [cv2.connectedComponents((each[0] > 0.5).byte().numpy())[0] - 1 for each in many]
    assert set(counts) <= set(range(2, 25))
    assert len(set(counts)) > 4
    assert at_edges(many).max() < 0.5
    assert torch.allclose(drawn, colour, atol=1e-5), "the thing's colour is that of all of them"


def test_what_the_frame_cuts_off_does_not_come_in_rows(cache: Cache) -> None:
    """Rows of halves would teach that things end where nothing ends."""
    cut_off = only(cache, "near", SOLID, close=1.0)
    assert (at_edges(cut_off.alpha) > 0.5).all()
    assert torch.equal(only(cache, "near", SOLID, close=1.0, rows=1.0).alpha, cut_off.alpha)


def test_a_near_ground_is_some_levels_from_the_rim() -> None:
    alpha, colour = a_thing()
    away = (near_ground(Rng(1, 0, CPU), alpha, colour) - colour).abs().amax(1) / LEVEL
    assert (away.amax((1, 2)) < 15 + FAR).all()
    assert (away.mean((1, 2)) > 1).all()


def test_a_near_ground_takes_the_rim_not_the_middle() -> None:
    alpha, colour = a_thing()
    colour = colour.clone()
    colour[..., 44:56, 44:52] = 0
    away = (near_ground(Rng(1, 0, CPU), alpha, colour) - a_thing()[1]).abs().amax(1) / LEVEL
    assert (away.amax((1, 2)) < 15 + FAR).all()


def test_a_subject_on_a_near_ground_has_almost_its_colour(cache: Cache) -> None:
    inside, outside = inside_and_outside(only(cache, "near", SOLID))
    assert ((inside - outside).abs().amax(1) < 15 + FAR).all()
    inside, outside = inside_and_outside(only(cache, "moved", SOLID, drawn=1.0))
    assert ((inside - outside).abs().amax(1) > 15 + FAR).any()


def test_half_of_the_subjects_are_paled_or_blackened() -> None:
    _, colour = a_thing(64)
    made = paled(Rng(1, 0, CPU), colour)[:, :, 0, 0]
    changed = (made - colour[:, :, 0, 0]).abs().amax(1) > 0.01
    assert 20 < changed.sum() < 44
    saturation = made.amax(1) - made.amin(1)
    assert (saturation[changed] < 0.35).all()
    assert ((made[changed].mean(1) - 0.53).abs() > 0.1).all()


def test_a_contact_shadow_lies_under_the_thing_alone() -> None:
    shadow = contact_shadow(Rng(1, 0, CPU), a_thing()[0])
    assert (shadow[:, :, 71:73, 40:56].mean((1, 2, 3)) > 0.01).all()
    assert (shadow[:, :, :40] < 0.005).all()
    assert shadow.max() <= 0.6


def test_keys_change_the_light_and_stay_in_range() -> None:
    _, colour = a_thing(64)
    made = keyed(Rng(1, 0, CPU), colour, torch.full_like(colour, 0.85))
    lighter, darker = (made > colour + 0.01).flatten(1).any(1), (made < colour - 0.01).flatten(1).any(1)
    assert lighter.sum() > 12
    assert darker.sum() > 4
    assert 0 <= made.min() <= made.max() <= 1


def test_dim_pictures_are_dark_and_none_gets_lighter() -> None:
    alpha, colour = a_thing()
    made = dimmed(Rng(1, 0, CPU), colour, alpha)
    assert ((luma(made) * alpha).sum((1, 2, 3)) / alpha.sum((1, 2, 3)) < 0.15).all()
    black = torch.zeros_like(colour)
    assert torch.equal(dimmed(Rng(1, 0, CPU), black), black)


def test_lamps_are_warm() -> None:
    made = indoors(Rng(1, 0, CPU), torch.ones((32, 3, 8, 8))).mean((0, 2, 3))
    assert made[0] > made[1] > made[2]


def test_dark_on_dark_is_dark_within_and_without(cache: Cache) -> None:
    inside, outside = inside_and_outside(only(cache, "dark", SOLID))
    assert inside.mean(1).max() < 0.25 * 255
    assert outside.mean(1).max() < 0.25 * 255


def test_groups_are_several_people_cut_off_by_the_frame(cache: Cache) -> None:
    batch = only(cache, "group", count=24)
    assert np.mean([people(*each) > 1 for each in zip(batch.image, batch.alpha, strict=True)]) > 0.5
    solid = batch.alpha[:, 0] > 0.5
    assert (solid[:, -1].any(1) | solid[:, :, 0].any(1) | solid[:, :, -1].any(1)).float().mean() > 0.3


def people(image: Tensor, alpha: Tensor) -> int:
    """How many colours cover more than 40 pixels of what is solid: every person of the folder is of one."""
    inside = image[:, alpha[0] > 0.99].div(12).round().T
    return int((inside.unique(dim=0, return_counts=True)[1] > 40).sum())


def test_a_batch_says_which_samples_hold_a_soft_material(cache: Cache) -> None:
    assert not only(cache, "cutout").soft.any()
    assert only(cache, "cutout", data=SOFT_GLASS).soft.all()
    assert only(cache, "moved", net=1.0).soft.all()
    assert only(cache, "moved", second=1.0, data=SOFT_GLASS).soft.all()
    assert not only(cache, "moved", second=1.0).soft.any()


def test_haze_of_a_soft_material_counts_less() -> None:
    truth = torch.zeros((2, 1, 64, 64))
    logits, coarse = torch.zeros_like(truth), torch.zeros((2, 1, 8, 8))
    soft, weights = torch.tensor([True, False]), LossSettings(sharpness=0.2, soft_sharpness=0.5)
    haze = loss(logits, coarse, truth, weights, soft)["sharpness"]
    assert haze == pytest.approx(0.2 * (0.5 + 1) / 2)
    assert loss(logits, coarse, truth, weights)["sharpness"] == pytest.approx(0.2)


def test_light_pictures_are_darkened_as_the_service_does_and_others_stay() -> None:
    """The service subtracts .8 of the tenth percentile p where that is over 60, and stretches the rest to 255."""
    ramp = torch.linspace(200, 255, 64).round().expand(1, 3, 64, 64)
    shift = 0.8 * float(np.percentile(ramp[0, 0].numpy(), 10))
    assert torch.allclose(darkened(ramp), ((ramp - shift) * 255 / (255 - shift)).round(), atol=1)
    usual = torch.linspace(0, 255, 64).round().expand(1, 3, 64, 64)
    assert torch.equal(darkened(usual), usual)


def test_samples_are_darkened_where_the_experiment_says_so(cache: Cache) -> None:
    plain, like_service = (only(cache, "near", darken_light=each).image for each in (False, True))
    assert torch.equal(darkened(plain), like_service)
    assert not torch.equal(plain, like_service)


def test_a_sheet_of_paper_is_part_of_the_ground() -> None:
    even = torch.full((32, 3, 96, 96), 0.8)
    away = (with_sheet(Rng(1, 0, CPU), even, 0.5) - even).abs().amax((1, 2, 3))
    assert 4 < int((away > LEVEL / 4).sum()) < 28, "about half of the grounds have one"
    assert float(away.max()) <= 12.01 * LEVEL
    assert torch.equal(with_sheet(Rng(1, 0, CPU), even, 0.0), even)


def test_a_sheet_does_not_change_what_is_cut_out(cache: Cache) -> None:
    plain, on_paper = (only(cache, "near", SOLID, sheet=chance) for chance in (0.0, 1.0))
    assert torch.equal(plain.alpha, on_paper.alpha)
    assert not torch.equal(plain.image, on_paper.image)


def test_people_in_the_dark_may_be_head_and_shoulders(cache: Cache) -> None:
    whole, portraits = (only(cache, "dark", SOLID, portrait=0.4, dark_portrait=chance) for chance in (0.0, 1.0))
    assert not torch.equal(whole.alpha, portraits.alpha)
    assert (at_edges(portraits.alpha) > 0.5).sum() > (at_edges(whole.alpha) > 0.5).sum(), "cut off by the frame"
