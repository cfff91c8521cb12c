"""The parts of training one by one: soft boundaries, losses, encoder, cache."""

from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from training.matting.batch_norms import calibrate
from training.matting.cache import bleed, open_cache, read
from training.matting.encoder import FORMS, Encoder
from training.matting.experiment import ExperimentError, LossSettings, NetworkSettings
from training.matting.losses import figures, haze, loss, overlap, pyramid, spread
from training.matting.network import MattingNetwork
from training.matting.pretrained import SLIM_EPSILON, folded, found
from training.matting.records import DataError, find
from training.matting.soft_edges import soften
from training.matting.tests.pictures import SIDE, data_folder


def test_a_soft_edge_is_found_where_the_picture_shows_one() -> None:
    """A disc with a soft edge of five pixels over an even background; the mask is the disc cut at a half."""
    y, x = torch.meshgrid(*[torch.arange(256.0)] * 2, indexing="ij")
    truth = ((80 - ((x - 128) ** 2 + (y - 128) ** 2).sqrt()) / 5 + 0.5).clamp(0, 1)[None, None]
    picture = truth * torch.tensor([0.9, 0.6, 0.2]).view(1, 3, 1, 1) + (1 - truth) * torch.tensor([0.1, 0.2, 0.5]).view(
        1, 3, 1, 1
    )
    hard = (truth > 0.5).float()
    soft = soften(picture, hard)
    assert (soft - truth).abs().mean() < 0.5 * (hard - truth).abs().mean()


def test_a_mask_stays_where_colour_explains_nothing_and_far_from_its_boundary() -> None:
    picture = torch.rand((1, 3, 128, 128), generator=torch.Generator().manual_seed(1))
    mask = torch.zeros((1, 1, 128, 128))
    mask[..., 40:90, 30:100] = 1
    soft = soften(picture, mask)
    assert (soft - mask).abs().mean() < 0.02
    assert torch.equal(soft[..., 55:75, 45:85], mask[..., 55:75, 45:85])
    assert torch.equal(soft[..., :25, :], mask[..., :25, :])


def test_losses_are_least_at_the_truth() -> None:
    truth = torch.zeros((2, 1, 64, 64))
    truth[..., 16:48, 16:48] = 1
    assert pyramid(truth, truth) == 0
    assert overlap(truth, truth) == 0
    assert haze(truth, truth) == 0
    for wrong in (1 - truth, torch.full_like(truth, 0.5)):
        assert pyramid(wrong, truth) > 0.1
        assert overlap(wrong, truth) > 0.3


def test_spread_is_the_range_within_the_square() -> None:
    alpha = torch.rand((2, 1, 12, 12), generator=torch.Generator().manual_seed(3))
    squares = functional.unfold(alpha, 5).view(2, 25, 8, 8)
    assert torch.allclose(spread(alpha, 5)[:, 0, 2:-2, 2:-2], squares.amax(1) - squares.amin(1))


def test_haze_is_half_transparency_within_plain_parts_alone() -> None:
    truth = torch.zeros((1, 1, 64, 64))
    truth[..., 32:] = 1
    assert haze(torch.full_like(truth, 0.5), truth) == 1
    edge = truth.clone()
    edge[..., 30:34] = 0.5
    assert haze(edge, truth) == 0
    assert haze(torch.full_like(truth, 0.5), torch.full_like(truth, 0.5)) == 0


def test_every_term_is_there_and_its_weight_counts() -> None:
    truth = (torch.rand((2, 1, 64, 64)) > 0.5).float()
    logits, coarse = torch.randn((2, 1, 64, 64)), torch.randn((2, 1, 8, 8))
    one = loss(logits, coarse, truth, LossSettings())
    two = loss(logits, coarse, truth, LossSettings(pyramid=1.0, iou=0.0))
    assert one.keys() == {"near", "pyramid", "iou", "auxiliary", "sharpness"}
    assert two["pyramid"] == pytest.approx(2 * float(one["pyramid"]))
    assert two["iou"] == 0


def test_figures_are_per_picture() -> None:
    truth = torch.zeros((2, 1, 8, 8))
    truth[0, :, :4] = 1
    error, iou = figures(torch.ones_like(truth), truth)
    assert error.tolist() == [0.5, 1.0]
    assert iou.tolist() == [0.5, 0.0]


def test_eight_bit_weights_are_read_in_the_order_of_the_layers(tmp_path: Path) -> None:
    encoder = Encoder("mobilenet-v2", norm=False)
    layers = [module for module in encoder.modules() if isinstance(module, nn.Conv2d)]
    chance = np.random.default_rng(0)
    file: dict[str, Any] = {}
    for number, layer in enumerate(layers):
        alone = layer.groups > 1
        q = chance.integers(-128, 128, tuple(layer.weight.shape)).astype(np.int8)
        name = f"{number:03}_{'dw' if alone else 'conv'}"
        file[f"{name}_w8"] = q.transpose((1, 2, 3, 0) if alone else (0, 2, 3, 1))
        file[f"{name}_scale"] = np.full(layer.out_channels, 0.5 + number, np.float32)
        file[f"{name}_zp"] = np.full(layer.out_channels, 3)
        file[f"{name}_bias"] = np.full(layer.out_channels, number, np.float32)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy((q.astype(np.float32) - 3) * (0.5 + number)))
    expected = [layer.weight.clone() for layer in layers]
    np.savez(tmp_path / "weights.npz", **file)
    other = Encoder("mobilenet-v2", norm=False)
    other.load(folded(tmp_path / "weights.npz"))
    others = [module for module in other.modules() if isinstance(module, nn.Conv2d)]
    assert len(others) == 51
    for number, (layer, weight) in enumerate(zip(others, expected, strict=True)):
        assert torch.equal(layer.weight, weight)
        assert layer.bias is not None
        assert (layer.bias == number).all()


def test_batch_norms_of_a_state_dict_are_folded(tmp_path: Path) -> None:
    """Convolutions each followed by a batch norm, in training's form, against the same ones folded."""
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for ins, outs, groups in ((3, 8, 1), (8, 8, 8), (8, 4, 1)):
        norm = nn.BatchNorm2d(outs, eps=SLIM_EPSILON)
        for values in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            assert values is not None
            nn.init.uniform_(values, 0.5, 2)
        parts += [nn.Conv2d(ins, outs, 3, groups=groups, bias=False), norm]
    trained = nn.Sequential(*parts, nn.Flatten(), nn.Linear(4 * 2 * 2, 5)).eval()
    torch.save(trained.state_dict(), tmp_path / "trained.pth")
    x = picture = torch.rand((2, 3, 8, 8))
    layers = folded(tmp_path / "trained.pth")
    for (weight, bias), groups in zip(layers, (1, 8, 1), strict=True):
        x = nn.functional.conv2d(x, torch.from_numpy(weight), torch.from_numpy(bias), groups=groups)
    assert torch.allclose(x, trained[:6](picture), atol=1e-4)


def test_first_weights_lie_in_the_data_or_in_a_package(tmp_path: Path) -> None:
    (tmp_path / "own.npz").touch()
    assert found("own.npz", tmp_path) == tmp_path / "own.npz"
    assert found("training.matting:pretrained.py", tmp_path).name == "pretrained.py"
    with pytest.raises(ExperimentError, match="no file"):
        found("other.npz", tmp_path)
    with pytest.raises(ExperimentError, match="pip install no_such_package"):
        found("no_such_package:weights.pth", tmp_path)


def test_calibrated_batch_norms_change_nothing_at_first() -> None:
    torch.manual_seed(0)
    plain, normed = Encoder("mobilenet-v2", norm=False), Encoder("mobilenet-v2", norm=True)
    normed.load_state_dict(plain.state_dict(), strict=False)
    picture = torch.rand((4, 3, 64, 64)) * 2 - 1
    calibrate(normed, picture)
    plain.eval()
    normed.eval()
    with torch.no_grad():
        for one, other in zip(plain(picture), normed(picture), strict=True):
            assert torch.allclose(one, other, atol=1e-4)


@pytest.mark.parametrize("encoder", list(FORMS))
@pytest.mark.parametrize("width", [0.5, 1.0, 1.5])
def test_networks_of_any_form_and_width_give_a_logit_per_pixel(
    encoder: Literal["mobilenet-v2", "efficientnet-lite2"], width: float
) -> None:
    settings = NetworkSettings(encoder=encoder, start=False, width=width, context_width=32)
    network = MattingNetwork(settings).eval()
    with torch.no_grad():
        fine, coarse = network(torch.zeros((2, 3, 64, 96)))
        features = network.encoder(torch.zeros((1, 3, 64, 64)))
    assert fine.shape == (2, 1, 64, 96)
    assert coarse.shape == (2, 1, 8, 12)
    assert [(each.shape[1], each.shape[2]) for each in features] == list(
        zip(network.encoder.widths, (32, 16, 8, 4, 2), strict=True)
    )


def test_more_frozen_blocks_than_there_are_are_refused() -> None:
    MattingNetwork(NetworkSettings(start=False, frozen_blocks=17))
    with pytest.raises(ExperimentError, match="frozen_blocks is 18, but the encoder has 17"):
        MattingNetwork(NetworkSettings(start=False, frozen_blocks=18))


def test_frozen_blocks_do_not_learn() -> None:
    network = MattingNetwork(NetworkSettings(start=False, frozen_blocks=2))
    assert not any(
        p.requires_grad for part in (network.encoder.stem, *network.encoder.blocks[:2]) for p in part.parameters()
    )
    assert all(p.requires_grad for p in network.encoder.blocks[2].parameters())


def test_transparent_pixels_take_the_colour_next_to_them() -> None:
    colour = np.zeros((64, 64, 3), np.uint8)
    alpha = np.zeros((64, 64), np.uint8)
    colour[20:40, 20:40], alpha[20:40, 20:40] = (200, 100, 50), 255
    filled = bleed(colour, alpha)
    assert np.abs(filled[18, 18].astype(int) - (200, 100, 50)).max() <= 2
    assert np.abs(filled[0, 63].astype(int) - (200, 100, 50)).max() <= 2
    assert np.array_equal(filled[20:40, 20:40], colour[20:40, 20:40])


def test_a_cache_is_read_again_and_made_anew_for_other_pictures(tmp_path: Path) -> None:
    data = data_folder(tmp_path / "data", photos=4)
    made: list[int] = []
    for permissive_only in (False, False, True):
        records = find(data, permissive_only=permissive_only)
        cache = open_cache(records, data, tmp_path / "cache", side=SIDE, soften_hard=True, seen=made.append)
        assert [entry.file for entry in cache.entries] == [r.picture.relative_to(data).as_posix() for r in records]
        assert cache.pixels.shape == (len(records), 4, SIDE, SIDE)
    assert made == [*range(10), *range(9)]


def test_a_cutout_without_alpha_is_refused(tmp_path: Path) -> None:
    data = data_folder(tmp_path / "data", photos=4)
    file = data / "rendered/00002_glassware.webp"
    assert cv2.imwrite(str(file), np.zeros((32, 32, 3), np.uint8))
    record = next(record for record in find(data, permissive_only=False) if record.picture == file)
    with pytest.raises(DataError, match="has no alpha of its own"):
        read(record)
