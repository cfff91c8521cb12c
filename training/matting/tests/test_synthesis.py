"""Samples: they repeat, they stay in range, and what is done to them is what its name says."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from training.matting.cache import Cache, Entry, open_cache
from training.matting.camera import jpeg
from training.matting.experiment import DataSettings, SynthesisSettings
from training.matting.geometry import WHOLE, look
from training.matting.materials import glass, net
from training.matting.prefetch import Prefetch
from training.matting.records import DataError, Kind, find
from training.matting.rng import Rng
from training.matting.strands import FUR, HAIR, Style, strands
from training.matting.synthesis import Synthesis
from training.matting.tests.pictures import SIDE, data_folder
from training.matting.views import placed, portrait

CPU = torch.device("cpu")
NOTHING = dict.fromkeys(
    ("hair", "fur", "net", "glass", "second", "shadow", "colour", "grey", "blur", "noise", "jpeg", "portrait"), 0.0
)

WHOLE_PHOTOS = NOTHING | {"photo": 1.0, "moved": 0.0, "cutout": 0.0, "whole": 1.0}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    folder = tmp_path_factory.mktemp("synthesis")
    data = data_folder(folder / "data")
    records = find(data, permissive_only=False)
    return open_cache(records, data, folder / "cache", side=SIDE, soften_hard=False, seen=lambda _number: None)


def synthesis(
    cache: Cache, seed: int = 1, weights: dict[str, float] | None = None, settings: dict[str, float] | None = None
) -> Synthesis:
    chosen = SynthesisSettings.model_validate(settings or {})
    return Synthesis(cache, range(len(cache.entries)), DataSettings(weights=weights or {}), chosen, seed)


def a_disc(count: int = 4, side: int = 96) -> tuple[Tensor, Tensor]:
    """Alpha and colour of a red disc in the middle."""
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, side)] * 2, indexing="ij")
    alpha = ((x**2 + y**2) < 0.25).float().expand(count, 1, side, side)
    return alpha, torch.tensor([0.8, 0.2, 0.1]).view(1, 3, 1, 1).expand(count, 3, side, side)


def test_equal_seeds_and_steps_give_equal_samples_whatever_came_before(cache: Cache) -> None:
    one, other = synthesis(cache), synthesis(cache)
    other.batch(1, 8, SIDE)
    first, second = one.batch(2, 8, SIDE), other.batch(2, 8, SIDE)
    assert torch.equal(first.image, second.image)
    assert torch.equal(first.alpha, second.alpha)


def test_samples_made_ahead_are_those_of_their_step(cache: Cache) -> None:
    """Also where a step is skipped, or wants another side than the one before it let expect."""
    with Prefetch(synthesis(cache)) as ahead:
        for step, side in ((1, SIDE), (2, SIDE), (4, SIDE), (5, SIDE // 2)):
            made, expected = ahead.batch(step, 2, side), synthesis(cache).batch(step, 2, side)
            assert torch.equal(made.image, expected.image)
            assert torch.equal(made.alpha, expected.alpha)


@pytest.mark.parametrize(("seed", "step"), [(1, 3), (2, 2)])
def test_other_seeds_and_steps_give_others(cache: Cache, seed: int, step: int) -> None:
    assert not torch.equal(synthesis(cache).batch(2, 8, SIDE).image, synthesis(cache, seed).batch(step, 8, SIDE).image)


@pytest.mark.parametrize("kind", ["photo", "moved", "cutout"])
def test_each_kind_alone_with_everything_done_to_it_is_in_range(cache: Cache, kind: str) -> None:
    everything = dict.fromkeys(NOTHING, 1.0)
    shares = {"photo": 0.0, "moved": 0.0, "cutout": 0.0, kind: 1.0}
    batch = synthesis(cache, settings=everything | shares).batch(0, 6, 96)
    assert batch.image.shape == (6, 3, 96, 96)
    assert batch.alpha.shape == (6, 1, 96, 96)
    assert torch.equal(batch.image, batch.image.round().clamp(0, 255))
    assert 0 <= batch.alpha.min() < batch.alpha.max() <= 1


def test_a_whole_photograph_is_the_picture_and_its_mask(cache: Cache) -> None:
    batch = synthesis(cache, settings=WHOLE_PHOTOS).batch(0, 4, SIDE)
    known = cache.pixels.float()
    known = torch.cat((known, known.flip(3)))
    for image, alpha in zip(batch.image, batch.alpha * 255, strict=True):
        assert (torch.cat((image, alpha)) - known).abs().amax((1, 2, 3)).min() <= 1


def test_a_weight_for_no_group_is_refused_with_those_that_there_are(cache: Cache) -> None:
    with pytest.raises(DataError, match=r"belong to cats; there are: ccp, ecssd, glassware, kodak, rendered_pairs"):
        synthesis(cache, weights={"cats": 1.0})


def test_a_group_of_weight_0_is_not_drawn(cache: Cache) -> None:
    weights = {"ccp": 0.0, "rendered_pairs": 0.0}
    batch = synthesis(cache, weights=weights, settings=WHOLE_PHOTOS).batch(0, 16, SIDE)
    left = cache.pixels[[row for row, entry in enumerate(cache.entries) if entry.group == "ecssd"]].float()
    left = torch.cat((left, left.flip(3)))[:, :3]
    assert all((image - left).abs().amax((1, 2, 3)).min() <= 1 for image in batch.image)


def test_a_group_of_weight_0_is_no_background_either(cache: Cache) -> None:
    settings = NOTHING | {"photo": 0.0, "moved": 0.0, "cutout": 1.0, "drawn": 0.0}
    left_out = dict.fromkeys(("kodak", "ccp", "ecssd", "rendered_pairs"), 0.0)
    pixels = cache.pixels.clone()
    pixels[[row for row, entry in enumerate(cache.entries) if entry.group in left_out]] = 0
    black = Cache(pixels, cache.entries)
    with_them, without = (
        [synthesis(each, weights=weights, settings=settings).batch(0, 16, SIDE).image for each in (cache, black)]
        for weights in ({}, left_out)
    )
    assert not torch.equal(*with_them)
    assert torch.equal(*without)


def test_a_portrait_shows_the_head_large() -> None:
    """The person is an eighth of the picture wide and fills its height; the crop has the head in its upper half."""
    picture = torch.zeros((1, 4, 256, 256), dtype=torch.uint8)
    picture[0, 3, 20:250, 110:142] = 255
    picture[0, 0, 20:50, 110:142] = 255
    box = (110 / 256, 20 / 256, 142 / 256, 250 / 256)
    person = Entry("", Kind.PHOTO, "ccp", hard=True, person=True, aspect=1.0, box=box, head=126 / 256, free=None)
    for seed in range(20):
        seen = look(picture, [0], [portrait(Rng(seed, 0, CPU), person)], 128, padding="zeros")
        head = seen[0, 0] > 0.5
        rows = head.any(1).nonzero()
        assert head.float().sum() > 2.5 * 30 * 32 / 4
        assert rows.float().mean() < 80


def test_a_thing_cut_off_below_stands_on_the_border() -> None:
    picture = torch.zeros((1, 4, 64, 64), dtype=torch.uint8)
    picture[0, :, 20:, 20:40] = 255
    entry = Entry("", Kind.PHOTO, "x", hard=True, person=False, aspect=1.0,
                  box=(20 / 64, 20 / 64, 40 / 64, 1.0), head=0.5, free=None)  # fmt: skip
    for seed in range(20):
        alpha = look(picture, [0], [placed(Rng(seed, 0, CPU), entry)], 64, padding="zeros")[0, 3]
        assert alpha[-1].max() > 0.5


@pytest.mark.parametrize("style", [HAIR, FUR])
def test_strands_grow_from_the_boundary_in_the_colour_of_the_thing(style: Style) -> None:
    alpha, colour = a_disc()
    hair, tone = strands(Rng(1, 0, CPU), alpha, colour, style)
    outside = hair * (1 - alpha)
    assert (outside.amax((1, 2, 3)) > 0.5).all()
    assert ((outside > 0.1) & (outside < 0.9)).sum() > 100
    corner = hair[:, :, :8, :8].amax()
    assert corner < 0.1
    painted = tone.permute(0, 2, 3, 1)[hair[:, 0] > 0.3]
    assert (painted[:, 0] > 2 * painted[:, 1]).float().mean() > 0.95


def test_what_has_no_boundary_grows_no_strands() -> None:
    hair, _ = strands(Rng(1, 0, CPU), torch.zeros((2, 1, 64, 64)), torch.rand((2, 3, 64, 64)), HAIR)
    assert hair.max() == 0


@pytest.mark.parametrize("material", [net, glass])
def test_materials_let_the_background_through_inside_and_add_nothing_outside(material: object) -> None:
    assert callable(material)
    alpha, colour = a_disc(count=8)
    made, tone = material(Rng(1, 0, CPU), alpha, colour)
    assert (made[alpha == 0] == 0).all()
    inside = torch.stack([each[disc > 0.5].mean() for each, disc in zip(made, alpha, strict=True)])
    assert (inside < 0.98).all()
    assert (inside > 0.02).all()
    assert 0 <= tone.min() <= tone.max() <= 1


@pytest.mark.parametrize("quality", [40, 70, 90])
def test_jpeg_does_what_an_encoder_does(quality: int) -> None:
    """Nearer to a real encoder's result than that is to the picture, at several qualities."""
    chance = np.random.default_rng(0)
    picture = cv2.GaussianBlur(chance.integers(0, 256, (96, 96, 3), dtype=np.uint8), (0, 0), 1.5)
    coded = cv2.imencode(".jpg", picture[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    real = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert real is not None
    real = real[:, :, ::-1]
    ours = jpeg(_tensor([picture]), torch.tensor([float(quality)]))[0].permute(1, 2, 0).numpy() * 255
    assert np.abs(ours - real).mean() < 0.5 * np.abs(real.astype(float) - picture).mean()


def test_looking_at_the_whole_changes_nothing_and_halves_without_skipping() -> None:
    pixels = torch.randint(0, 256, (1, 4, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(look(pixels, [0], [WHOLE], 64, padding="zeros")[0] * 255, pixels[0].float(), atol=0.01)
    small = look(pixels, [0], [WHOLE], 16, padding="zeros")[0]
    assert (small - 0.5).abs().max() < 0.25


def _tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
