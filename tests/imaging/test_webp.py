"""Our own part of a WebP: alpha, the colour under it, the container."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imaging.picture import Pixels
from imaging.webp import writer
from imaging.webp.bits import BitWriter
from imaging.webp.prefix_code import LONGEST, PrefixCode
from imaging.webp.quality import _modes, _sample, lossy, promising
from imaging.webp.transparent import fill_transparent
from tests.corpus.browser import find_browser, shown

SIZES = [(1, 1), (1, 3000), (3000, 1), (7, 9), (8, 8), (60, 40), (121, 77), (10_000, 60)]


def _random() -> np.random.Generator:
    return np.random.default_rng(0)


ALPHAS: dict[str, Callable[[int, int], Pixels]] = {
    "noise": lambda width, height: _random().integers(0, 256, (height, width), dtype=np.uint8),
    "specks": lambda width, height: np.where(_random().random((height, width)) > 0.99, 255, 0).astype(np.uint8),
    "halves": lambda width, height: np.repeat((np.arange(height) * 2 // height * 255).astype(np.uint8), width).reshape(
        height, width
    ),
    "ramp": lambda width, height: np.tile(np.linspace(0, 255, width).astype(np.uint8), (height, 1)),
    "haze": lambda width, height: np.full((height, width), 7, np.uint8),
    "nothing": lambda width, height: np.zeros((height, width), np.uint8),
    "everything": lambda width, height: np.full((height, width), 255, np.uint8),
}


def picture(alpha: Pixels) -> Pixels:
    """Grain under this alpha."""
    rgba = np.dstack([_random().integers(0, 256, (*alpha.shape, 3), dtype=np.uint8), alpha])
    rgba[alpha == 0] = 0
    return rgba


def by_pillow(body: bytes) -> Pixels:
    with Image.open(BytesIO(body)) as image:
        return np.asarray(image.convert("RGBA"), np.uint8)


def by_libwebp(body: bytes) -> Pixels:
    pixels = imagecodecs.webp_decode(body)
    return pixels if pixels.shape[2] == 4 else np.dstack([pixels, np.full(pixels.shape[:2], 255, np.uint8)])


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("kind", ALPHAS)
def test_alpha_is_read_back_exactly(kind: str, size: tuple[int, int]) -> None:
    rgba = picture(ALPHAS[kind](*size))
    body = writer.encode(rgba.copy())
    assert np.array_equal(by_pillow(body)[..., 3], rgba[..., 3])
    assert np.array_equal(by_libwebp(body), by_pillow(body))


def test_an_opaque_picture_has_no_alpha_chunk() -> None:
    body = writer.encode(picture(ALPHAS["everything"](60, 40)))
    assert b"ALPH" not in body
    assert body[12:16] == b"VP8 "


@pytest.mark.skipif(find_browser() is None, reason="needs Chromium")
def test_chromium_shows_what_pillow_shows(tmp_path: Path) -> None:
    """Levels of 255 in colours that were multiplied by alpha, as browsers keep them."""
    files = []
    for kind, alpha in ALPHAS.items():
        files.append(tmp_path / f"{kind}.webp")
        files[-1].write_bytes(writer.encode(picture(alpha(121, 77))))
    for file, pixels in zip(files, shown(files, find_browser() or ""), strict=True):
        assert pixels is not None, file.name
        expected = by_pillow(file.read_bytes())
        assert np.array_equal(pixels[..., 3], expected[..., 3]), file.name
        opacity = expected[..., 3:].astype(float) / 255
        assert np.abs((pixels[..., :3] - expected[..., :3].astype(float)) * opacity).max() <= 2, file.name


@pytest.mark.parametrize("start", [16, 19, 24])
def test_a_pixel_beside_the_unseen_keeps_its_colour(start: int) -> None:
    """Red in front of nothing, its edge between blocks and inside of them. Beside black it would be wrong by 123."""
    rgba = np.zeros((96, 96, 4), np.uint8)
    rgba[start:77, start:75] = (255, 0, 0, 255)
    back = by_pillow(writer.encode(rgba.copy())).astype(int)
    assert np.abs(back - rgba)[rgba[..., 3] > 0].max() <= 3


def test_unseen_pixels_take_visible_colour_nearby_and_none_from_afar() -> None:
    rgb, alpha = np.zeros((64, 61, 3), np.uint8), np.zeros((64, 61), np.uint8)
    rgb[:12, :12], alpha[:12, :12] = (200, 100, 50), 1
    fill_transparent(rgb, alpha)
    assert (rgb[:16, :16] == (200, 100, 50)).all()
    assert np.abs(rgb[:24, :24] - np.asarray((200.0, 100, 50))).max() <= 3
    assert not rgb[24:].any()
    assert not rgb[:, 24:].any()


def test_what_is_seen_is_not_changed_by_what_is_unseen() -> None:
    rgba = picture(ALPHAS["specks"](61, 43))
    rgb = rgba[..., :3].copy()
    fill_transparent(rgb, rgba[..., 3].copy())
    assert np.array_equal(rgb[rgba[..., 3] > 0], rgba[rgba[..., 3] > 0][:, :3])


def test_lossless_keeps_nothing_under_the_unseen() -> None:
    """Where no quality is possible, colours that were filled in are taken out again."""
    rgba = picture(ALPHAS["specks"](61, 43))
    rgb, alpha = writer._split(rgba.copy())
    fill_transparent(rgb, alpha)
    assert np.array_equal(by_libwebp(writer.encode_lossless(writer._joined(rgb, alpha))), rgba)


def test_a_read_only_picture_is_left_as_it_is() -> None:
    rgba = picture(ALPHAS["specks"](61, 43))
    rgba.setflags(write=False)
    assert writer.encode(rgba) == writer.encode(rgba)


@pytest.mark.parametrize("growth", [1.0, 1.3, 2.0])
def test_a_prefix_code_is_complete_and_within_its_bound(growth: float) -> None:
    """Counts that double each time would need words of 39 bits."""
    code = PrefixCode.of(np.asarray([int(growth**n) for n in range(40)] + [0] * 3))
    assert code.lengths.max() <= LONGEST
    assert not code.lengths[40:].any()
    assert sum(0.5 ** int(length) for length in code.lengths if length) == 1


def test_bits_follow_each_other_from_the_lowest() -> None:
    bits = _random().integers(1, 33, 5000).astype(np.uint8)
    values = _random().integers(0, 1 << 32, 5000, dtype=np.uint64) & ((np.uint64(1) << bits) - np.uint64(1))
    writing, number, length = BitWriter(), 0, 0
    for start in range(0, 5000, 1250):
        writing.write_all(values[start : start + 1250], bits[start : start + 1250])
    for value, count in zip(values.tolist(), bits.tolist(), strict=True):
        number, length = number | value << length, length + count
    assert writing.written() == number.to_bytes((length + 7) // 8, "little")


def _blocks(width: int, height: int) -> Pixels:
    """Grain, whose modes fill the first partition fast."""
    tile = _random().integers(96, 160, (500, 500, 3), dtype=np.uint8)
    return np.tile(tile, (height // 500, width // 500, 1))


def test_of_a_large_picture_a_sample_tells_which_quality_is_possible() -> None:
    """The estimate is close to what libwebp comes to, so that no work is done in vain."""
    rgb = _blocks(4000, 3000)
    stated = int.from_bytes(lossy(rgb, 80)[20:23], "little") >> 5
    sample = _sample(rgb)
    assert sample.shape[0] * sample.shape[1] <= 4_000_000
    estimated = _modes(sample, 80) * rgb.shape[0] / sample.shape[0]
    assert 0.8 < estimated / stated < 1.25


def test_qualities_that_cannot_be_are_not_tried() -> None:
    assert list(promising(_blocks(500, 500), None)) == [90, 80]
    assert 90 not in list(promising(_blocks(10_000, 5_000), None))
