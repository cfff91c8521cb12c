"""Whether all pixels are there is judged by the codec, never by how a file ends."""

import gc
import sys
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from errors import InvalidImage
from imaging.formats import ImageFormat
from tests.imaging.samples import jpeg_segment, opened, riff, saved, scene, turned, with_jpeg_size

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
NOISE = np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8)
CMYK = Image.merge("CMYK", [Image.fromarray(scene(seed=seed, channels=1)[..., 0]) for seed in range(4)])

SOUND = {
    "png": (PNG, saved(scene(), PNG)),
    "png in many chunks": (PNG, saved(NOISE, PNG)),
    "baseline jpeg": (JPEG, saved(scene(), JPEG)),
    "progressive jpeg": (JPEG, saved(scene(), JPEG, progressive=True)),
    "grey jpeg": (JPEG, saved(scene(channels=1)[..., 0], JPEG)),
    "cmyk jpeg": (JPEG, saved(CMYK, JPEG)),
    "jpeg with restarts": (JPEG, saved(scene(), JPEG, restart_marker_blocks=2)),
    "jpeg with exif": (JPEG, turned(JPEG, 1)),
    "lossless webp": (WEBP, saved(scene(), WEBP)),
    "lossy webp": (WEBP, saved(scene(), WEBP, lossless=False)),
    "lossy webp with alpha": (WEBP, saved(scene(channels=4), WEBP, lossless=False)),
    "webp with exif": (WEBP, turned(WEBP, 1)),
}


def _is_whole(body: bytes, whole: bytes, format: ImageFormat) -> bool:
    """Whether the file is taken; then it is the same picture, but for bits that the noise happened to guess."""
    try:
        pixels = opened(body, format).rgba
    except InvalidImage:
        return False
    assert np.abs(pixels.astype(int) - opened(whole, format).rgba).max() <= 3
    return True


@pytest.mark.parametrize(("format", "body"), SOUND.values(), ids=SOUND.keys())
def test_a_file_cut_off_anywhere_is_refused_or_the_whole_picture(format: ImageFormat, body: bytes) -> None:
    taken = [length for length in range(len(body)) if _is_whole(body[:length], body, format)]
    assert all(length > 0.9 * len(body) for length in taken)


ENDED = {name: each for name, each in SOUND.items() if each[0] is not WEBP}


@pytest.mark.parametrize(("format", "body"), ENDED.values(), ids=ENDED)
def test_the_end_of_a_file_may_be_missing(format: ImageFormat, body: bytes) -> None:
    end = 12 if format is PNG else 2
    for length in range(len(body) - end, len(body)):
        assert _is_whole(body[:length], body, format)


HALVES = {name: body for name, (format, body) in SOUND.items() if format is JPEG}


@pytest.mark.parametrize("body", HALVES.values(), ids=HALVES)
@pytest.mark.parametrize("share", [0.3, 0.5, 0.8])
def test_a_jpeg_that_lacks_coded_data_is_refused_also_with_an_end_marker(body: bytes, share: float) -> None:
    scan = body.index(b"\xff\xda")
    cut = scan + 14 + int((len(body) - scan - 14) * share)
    with pytest.raises(InvalidImage, match="ends before"):
        opened(body[:cut].rstrip(b"\xff") + b"\xff\xd9", JPEG)


def test_a_jpeg_that_ends_in_its_middle_is_refused() -> None:
    """What follows an end marker is no part of the picture, so the lower half is not there."""
    body = saved(NOISE, JPEG)
    middle = len(body) // 2
    with pytest.raises(InvalidImage, match="ends before"):
        opened(body[:middle] + b"\xff\xd9" + body[middle + 2 :], JPEG)


def test_a_jpeg_of_more_lines_than_it_holds_is_refused() -> None:
    with pytest.raises(InvalidImage, match="ends before"):
        opened(with_jpeg_size(saved(NOISE, JPEG), 80, 800), JPEG)


def test_a_jpeg_without_the_scans_of_a_channel_is_refused() -> None:
    body = saved(scene(), JPEG)
    only_grey = body.replace(b"\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11", b"\xff\xda\x00\x08\x01\x01\x00")
    assert only_grey != body
    with pytest.raises(InvalidImage, match="ends before"):
        opened(only_grey, JPEG)


def test_a_jpeg_that_is_short_of_its_last_block_only_is_the_picture() -> None:
    """Some cameras write such files; of this one 64 pixels of 96,000 are missing."""
    image = Image.fromarray(scene(400, 240, channels=1)[..., 0])
    file = BytesIO()
    image.save(file, "JPEG", quality=95)
    body = file.getvalue()
    shown = opened(body[:-3] + b"\xff\xd9", JPEG).rgba
    assert (shown != opened(body, JPEG).rgba).any(axis=2).sum() <= 96


def test_garbage_behind_the_coded_data_is_passed_over() -> None:
    """libjpeg warns about it, as it does where data is missing."""
    body = saved(scene(), JPEG)
    assert _is_whole(body[:-2] + bytes(40) + b"\xff\xd9", body, JPEG)


def test_a_restart_marker_that_was_lost_costs_its_blocks_only() -> None:
    """Data is damaged, not missing: what follows is shown, as by every viewer."""
    body = saved(scene(), JPEG, restart_marker_blocks=2)
    at = body.index(b"\xff\xd3")
    damaged = opened(body[: at - 4] + body[at:], JPEG).rgba.astype(int)
    assert np.abs(damaged - opened(body, JPEG).rgba)[-8:].max() <= 2


def test_arithmetic_tables_do_not_disturb() -> None:
    body = saved(scene(), JPEG)
    assert _is_whole(body[:2] + jpeg_segment(0xCC, b"\x00\x10") + body[2:], body, JPEG)


def test_the_smallest_webp_is_a_picture() -> None:
    """One pixel, lossless, each of its five codes of one symbol (RFC 9649 §3): 28 bytes."""
    one, zero = "1001", "1000"  # a simple code, of one symbol, which has one bit: itself
    bits = "000" + zero + one + zero + zero + zero
    coded = int(bits[::-1], 2).to_bytes(3, "little")
    body = riff(b"VP8L", b"\x2f\x00\x00\x00\x00" + coded)
    assert len(body) == 28
    assert opened(body, WEBP).rgba.tolist() == [[[1, 0, 0, 255]]]


def test_a_damaged_png_costs_the_interpreter_nothing() -> None:
    """imagecodecs loses a reference to None with each; ten thousand of them ended the process (Python 3.11)."""
    body = saved(scene(), PNG)[:-60]
    gc.collect()  # what earlier tests left refers to None, too
    before = sys.getrefcount(None)
    for _ in range(500):
        with pytest.raises(InvalidImage):
            opened(body, PNG)
    gc.collect()
    assert sys.getrefcount(None) > before - 250
