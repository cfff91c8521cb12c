import struct
import time
from contextlib import suppress
from dataclasses import dataclass

import pytest
from PIL import Image

from errors import InvalidImage
from imaging.formats import INPUTS, ImageFormat
from imaging.probing import ImageInfo, probe
from tests.imaging.samples import (
    MAX_SIDE,
    empty_webp,
    frame_start,
    png,
    png_chunk,
    riff,
    saved,
    scene,
    turned,
    with_chunk,
    with_jpeg_size,
    with_scans,
)

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
SOUND_JPEG = saved(scene(), JPEG)
PROGRESSIVE = saved(scene(), JPEG, progressive=True)
SOUND_PNG = saved(scene(), PNG)
SOUND_WEBP = saved(scene(), WEBP)

SOUND = {
    "png": (PNG, SOUND_PNG),
    "png with alpha": (PNG, saved(scene(channels=4), PNG)),
    "baseline jpeg": (JPEG, SOUND_JPEG),
    "progressive jpeg": (JPEG, PROGRESSIVE),
    "grey jpeg": (JPEG, saved(scene(channels=1)[..., 0], JPEG)),
    "jpeg with exif": (JPEG, turned(JPEG, 1)),
    "lossless webp": (WEBP, SOUND_WEBP),
    "lossy webp": (WEBP, saved(scene(), WEBP, lossless=False)),
    "lossy webp with alpha": (WEBP, saved(scene(channels=4), WEBP, lossless=False)),
    "webp with exif": (WEBP, turned(WEBP, 1)),
}


@dataclass(frozen=True)
class Fault:
    """A file that is refused, and words that its refusal says."""

    body: bytes
    declared: ImageFormat
    says: str


def _animated(format: ImageFormat) -> bytes:
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(3)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:], duration=50)


def _twelve_bits(body: bytes) -> bytes:
    at = frame_start(body)
    return body[:at] + b"\x0c" + body[at + 1 :]


FAULTS = {
    "empty": Fault(b"", PNG, "body is empty"),
    "html": Fault(b"<html></html>", JPEG, "an HTML page"),
    "garbage in front": Fault(b"\x00" + SOUND_PNG, PNG, "not a PNG file"),
    "another format": Fault(SOUND_JPEG, PNG, "Content-Type: image/jpeg"),
    "jpeg said to be webp": Fault(SOUND_JPEG, WEBP, "Content-Type: image/jpeg"),
    "signature only, png": Fault(SOUND_PNG[:8], PNG, "ends before"),
    "signature only, jpeg": Fault(SOUND_JPEG[:3], JPEG, "ends before"),
    "signature only, webp": Fault(SOUND_WEBP[:12], WEBP, "ends before"),
    "one pixel too wide, png": Fault(png(10_001, 10, 8, 0, b""), PNG, "10001 x 10 pixels"),
    "one pixel too high, jpeg": Fault(with_jpeg_size(SOUND_JPEG, 10, 10_001), JPEG, "10 x 10001 pixels"),
    "one pixel too wide, webp": Fault(empty_webp(10_001, 1), WEBP, "10001 x 1 pixels"),
    "bomb of 60,000 squared, png": Fault(png(60_000, 60_000, 8, 6, b""), PNG, "60000 x 60000"),
    "bomb of 60,000 squared, jpeg": Fault(with_jpeg_size(SOUND_JPEG, 60_000, 60_000), JPEG, "60000 x 60000"),
    "bomb of 34 bytes, webp": Fault(empty_webp(16_383, 16_383), WEBP, "16383 x 16383"),
    "width of 0, png": Fault(png(0, 10, 8, 0, b""), PNG, "0 x 10"),
    "height of 0, jpeg": Fault(with_jpeg_size(SOUND_JPEG, 10, 0), JPEG, "10 x 0"),
    "width of 0, webp": Fault(riff(b"VP8 ", b"\x10\x00\x00\x9d\x01\x2a\x00\x00\x0a\x00"), WEBP, "0 x 10"),
    "animated png": Fault(_animated(PNG), PNG, "animated"),
    "animated webp": Fault(_animated(WEBP), WEBP, "animated"),
    "12-bit jpeg": Fault(_twelve_bits(SOUND_JPEG), JPEG, "12 bits"),
    "hierarchical jpeg": Fault(SOUND_JPEG.replace(b"\xff\xc0\x00", b"\xff\xc5\x00", 1), JPEG, "hierarchical"),
    "65 scans": Fault(with_scans(PROGRESSIVE, 65), JPEG, "more than 64 scans"),
    "21 scans of 100 megapixels": Fault(with_scans(with_jpeg_size(PROGRESSIVE, 10_000, 10_000), 21), JPEG, "20 scans"),
    "jpeg without frame": Fault(b"\xff\xd8\xff\xda\x00\x02\xff\xd9", JPEG, "no frame header"),
    "segments without end": Fault(b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5_000, JPEG, "4,096 segments"),
    "too many chunks, png": Fault(SOUND_PNG[:33] + png_chunk(b"teSt", b"") * 16_385, PNG, "16,384 chunks"),
    "too many chunks, webp": Fault(
        b"RIFF" + struct.pack("<I", 4 + 18 + 8 * 2_000) + b"WEBP" + empty_webp(9, 9)[12:] + b"teSt\0\0\0\0" * 2_000,
        WEBP,
        "1,024 chunks",
    ),
    "png without pixels": Fault(SOUND_PNG[:33] + png_chunk(b"IEND", b""), PNG, "ends before"),
    "png of a colour type that is none": Fault(png(9, 9, 8, 5, b""), PNG, "IHDR"),
    "png of a depth that is none": Fault(png(9, 9, 3, 0, b""), PNG, "IHDR"),
    "png with a wrong checksum in its header": Fault(SOUND_PNG[:29] + b"\0\0\0\0" + SOUND_PNG[33:], PNG, "IHDR"),
    "webp of a chunk unknown": Fault(riff(b"ABCD", b"\0" * 20), WEBP, "VP8X"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_is_named(fault: Fault) -> None:
    with pytest.raises(InvalidImage) as refusal:
        probe(fault.body, fault.declared, MAX_SIDE)
    assert fault.says in refusal.value.detail


@pytest.mark.parametrize(("format", "body"), SOUND.values(), ids=SOUND.keys())
def test_a_sound_file_is_known_with_its_size(format: ImageFormat, body: bytes) -> None:
    info = probe(body, format, MAX_SIDE)
    assert (info.format, info.width, info.height, info.orientation) == (format, 60, 40, 1)


@pytest.mark.parametrize(("format", "body"), SOUND.values(), ids=SOUND.keys())
def test_most_broken_off_uploads_are_refused_before_anybody_pays(format: ImageFormat, body: bytes) -> None:
    """All PNGs and WebPs whose last pixels did not arrive; of JPEGs only decoding tells, once pixels have begun."""
    ends = {JPEG: body.find(b"\xff\xda"), PNG: body.rfind(b"IEND") - 16, WEBP: len(body) // 2}
    for length in range(ends[format]):
        with pytest.raises(InvalidImage):
            probe(body[:length], format, MAX_SIDE)


@pytest.mark.parametrize(("format", "body"), SOUND.values(), ids=SOUND.keys())
def test_what_follows_the_picture_is_not_looked_at(format: ImageFormat, body: bytes) -> None:
    """Phones append films to photographs, and their bytes look like any marker."""
    assert probe(body + b"\xff\xda\xff\xd9PK\x03\x04" * 5_000, format, MAX_SIDE) == probe(body, format, MAX_SIDE)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", INPUTS)
def test_the_size_is_that_of_the_upright_picture(format: ImageFormat, orientation: int) -> None:
    info = probe(turned(format, orientation), format, MAX_SIDE)
    assert info.orientation == orientation
    assert (info.width, info.height) == ((40, 60) if orientation >= 5 else (60, 40))
    assert info.stored_size == (60, 40)


def test_a_png_may_name_its_orientation_after_the_pixels() -> None:
    exif = b"MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    body = SOUND_PNG[:-12] + png_chunk(b"eXIf", exif) + SOUND_PNG[-12:]
    assert probe(body, PNG, MAX_SIDE).orientation == 6


@pytest.mark.parametrize(
    "exif",
    [
        b"",
        b"II*\x00",
        b"XX*\x00\x08\x00\x00\x00\x01\x00",
        b"II*\x00\xff\xff\xff\xff",
        b"II*\x00\x08\x00\x00\x00\xff\xff",
        b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x09\x00\x00\x00",
        b"II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x00\x00\x00\x00",
    ],
)
def test_exif_that_makes_no_sense_leaves_the_picture_as_it_is(exif: bytes) -> None:
    assert probe(with_chunk(SOUND_PNG, b"eXIf", exif), PNG, MAX_SIDE).orientation == 1


def test_scans_hidden_behind_a_comment_are_counted() -> None:
    """An end marker inside a comment ends nothing."""
    last = PROGRESSIVE.rfind(b"\xff\xda")
    hidden = PROGRESSIVE[:last] + b"\xff\xfe\x00\x04\xff\xd9" + PROGRESSIVE[last:]
    assert probe(hidden, JPEG, MAX_SIDE)
    with pytest.raises(InvalidImage, match="scans"):
        probe(with_scans(hidden, 70), JPEG, MAX_SIDE)


def test_as_many_scans_as_are_allowed_pass() -> None:
    assert probe(with_scans(PROGRESSIVE, 64), JPEG, MAX_SIDE)
    assert probe(with_scans(with_jpeg_size(PROGRESSIVE, 10_000, 10_000), 20), JPEG, MAX_SIDE)


def test_the_limit_is_per_side() -> None:
    assert probe(png(10_000, 10_000, 8, 0, b""), PNG, MAX_SIDE) == ImageInfo(PNG, 10_000, 10_000, 1, 8)


@pytest.mark.parametrize(
    ("format", "body"),
    [
        (PNG, SOUND_PNG[:33] + png_chunk(b"teSt", b"") * 2_000_000),
        (JPEG, b"\xff\xd8" + b"\xff\xe0\x00\x02" * 6_000_000),
        (JPEG, b"\xff\xd8" + b"\xff" * 25_000_000),
        (JPEG, SOUND_JPEG[:-2] + b"\xff\x00" * 12_000_000),
    ],
    ids=["png chunks", "jpeg segments", "jpeg filling", "jpeg stuffing"],
)
def test_no_file_of_25_megabytes_holds_the_event_loop_up(format: ImageFormat, body: bytes) -> None:
    """Less than counting its bytes in Python takes, on this machine and now."""
    start = time.thread_time()
    with suppress(InvalidImage):
        probe(body, format, MAX_SIDE)
    probed = time.thread_time()
    at = 0
    while at < len(body):
        at += 1
    assert probed - start < time.thread_time() - probed
