import struct
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImageOps

from errors import InvalidImage
from imaging.decoding import decode
from imaging.formats import INPUTS, ImageFormat
from imaging.picture import Picture, Pixels
from imaging.probing import probe
from tests.examples import examples
from tests.imaging.samples import (
    MAX_SIDE,
    empty_webp,
    frame_start,
    opened,
    png,
    png_chunk,
    saved,
    scene,
    turned,
)

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
RGB, RGBA, GREY = scene(), scene(channels=4), scene(channels=1)[..., 0]
DEEP = np.random.default_rng(0).integers(0, 65536, (40, 60, 4), dtype=np.uint16)
PALETTE = Image.fromarray(RGB).quantize(16)


def _deep_png(samples: NDArray[np.uint16]) -> bytes:
    return bytes(imagecodecs.png_encode(np.ascontiguousarray(samples)))


def pillow(body: bytes) -> Pixels:
    """What Pillow makes of a file: upright RGBA."""
    with Image.open(BytesIO(body)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGBA"), np.uint8)


def assert_close(picture: Picture, expected: Pixels, levels: int = 0) -> None:
    assert picture.rgba.dtype == np.uint8
    assert picture.rgba.flags.c_contiguous
    assert picture.rgba.shape == expected.shape
    assert np.abs(picture.rgba.astype(int) - expected).max() <= levels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", INPUTS)
def test_a_turned_picture_stands_upright(format: ImageFormat, orientation: int) -> None:
    body = turned(format, orientation)
    assert_close(opened(body, format), pillow(body), levels=1)


@pytest.mark.parametrize(
    "body",
    {
        "rgb": saved(RGB, PNG),
        "rgba": saved(RGBA, PNG),
        "grey": saved(GREY, PNG),
        "grey and alpha": saved(Image.fromarray(RGBA).convert("LA"), PNG),
        "1 bit": saved(Image.fromarray(GREY).convert("1"), PNG),
        "2 bits": png(8, 1, 2, 0, b"\x00\x1b\xe4"),
        "4 bits": png(4, 1, 4, 0, b"\x00\x01\xfe"),
        "palette": saved(PALETTE, PNG),
        "palette with one transparent colour": saved(PALETTE, PNG, transparency=3),
        "palette with alpha": saved(PALETTE, PNG, transparency=bytes([0, 60, 120, 180, 240])),
        "palette of 4 bits": saved(PALETTE, PNG, bits=4),
        "rgb with a transparent colour": saved(RGB, PNG, transparency=(int(RGB[0, 0, 0]), *map(int, RGB[0, 0, 1:]))),
        "grey with a transparent colour": saved(GREY, PNG, transparency=int(GREY[0, 0])),
        "rgb of 16 bits": _deep_png(DEEP[..., :3]),
        "rgba of 16 bits": _deep_png(DEEP),
        "interlaced": saved(RGB, PNG, optimize=True),
    }.items(),
    ids=lambda item: item[0],
)
def test_every_kind_of_png_is_read_as_pillow_reads_it(body: tuple[str, bytes]) -> None:
    assert_close(opened(body[1], PNG), pillow(body[1]))


def test_of_16_bits_the_upper_8_are_kept() -> None:
    """Pillow itself turns 16-bit grey all white."""
    grey = _deep_png(DEEP[..., 0])
    both = _deep_png(DEEP[..., :2])
    assert np.array_equal(opened(grey, PNG).rgba[..., 1], DEEP[..., 0] >> 8)
    assert np.array_equal(opened(both, PNG).rgba[..., [2, 3]], DEEP[..., :2] >> 8)


def test_own_alpha_is_kept_with_the_colour_beneath_it() -> None:
    hidden = RGBA.copy()
    hidden[:10, :, 3] = 0
    picture = opened(saved(hidden, PNG), PNG)
    assert picture.has_alpha
    assert_close(picture, hidden)


@pytest.mark.parametrize("image", [RGB, GREY], ids=["rgb", "grey"])
@pytest.mark.parametrize("format", INPUTS)
def test_a_picture_without_alpha_is_opaque(format: ImageFormat, image: Pixels) -> None:
    picture = opened(saved(image, format), format)
    assert not picture.has_alpha
    assert (picture.rgba[..., 3] == 255).all()


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 0}, {"optimize": True}, {"quality": 30}])
def test_every_kind_of_jpeg_is_read_as_pillow_reads_it(options: dict[str, int]) -> None:
    body = saved(RGB, JPEG, **options)
    assert_close(opened(body, JPEG), pillow(body), levels=1)


@pytest.mark.parametrize("image", [RGB, RGBA], ids=["rgb", "rgba"])
@pytest.mark.parametrize("lossless", [True, False])
def test_every_kind_of_webp_is_read_as_pillow_reads_it(image: Pixels, lossless: bool) -> None:
    body = saved(image, WEBP, lossless=lossless)
    assert_close(opened(body, WEBP), pillow(body))


def _inserted(body: bytes, extra: bytes) -> bytes:
    middle = len(body) // 2
    return body[:middle] + extra + body[middle + len(extra) :]


def _noise(format: ImageFormat) -> bytes:
    return saved(np.random.default_rng(1).integers(0, 256, (80, 80, 3), dtype=np.uint8), format)


DAMAGED = {
    "jpeg without quantization tables": (JPEG, saved(RGB, JPEG).replace(b"\xff\xdb", b"\xff\xe5")),
    "jpeg with a damaged code table": (
        JPEG,
        saved(RGB, JPEG).replace(b"\xff\xc4\x00\x1f\x00", b"\xff\xc4\x00\x1f\x77"),
    ),
    "jpeg of five colours": (
        JPEG,
        (sound := saved(RGB, JPEG))[: (at := frame_start(sound) + 5)] + b"\x05" + sound[at + 1 :],
    ),
    "png with a wrong checksum": (PNG, _inserted(_noise(PNG), b"\x00\x01\x02\x03")),
    "png of more lines than it holds": (PNG, png(10, 10, 8, 0, b"\x00" * 11 * 9)),
    "png of a filter that is none": (PNG, png(10, 10, 8, 0, b"\x09" * 11 * 10)),
    "palette png without a palette": (PNG, png(10, 10, 8, 3, b"\x00" * 11 * 10)),
    "webp header without pixels": (WEBP, empty_webp(9_999, 9_999)[:-6] + b"\xff" * 6),
    "webp whose canvas is not its picture": (
        WEBP,
        (body := turned(WEBP, 1))[:24] + struct.pack("<I", 1_000)[:3] + body[27:],
    ),
}


@pytest.mark.parametrize(("format", "body"), DAMAGED.values(), ids=DAMAGED.keys())
def test_damage_behind_a_sound_header_is_refused(format: ImageFormat, body: bytes) -> None:
    info = probe(body, format, MAX_SIDE)
    with pytest.raises(InvalidImage):
        decode(body, info)


def test_pillow_is_never_told_to_accept_truncated_files() -> None:
    assert ImageFile.LOAD_TRUNCATED_IMAGES is False


def test_bytes_between_two_markers_are_passed_over() -> None:
    body = saved(RGB, JPEG)
    at = frame_start(body) - 4
    assert_close(opened(body[:at] + b"\x00\x00\x00" + body[at:], JPEG), pillow(body), levels=1)


SEEDS = {
    PNG: [saved(RGB, PNG), saved(PALETTE, PNG, transparency=3), turned(PNG, 6), _deep_png(DEEP)],
    JPEG: [saved(RGB, JPEG), saved(RGB, JPEG, progressive=True), turned(JPEG, 8), saved(GREY, JPEG)],
    WEBP: [saved(RGBA, WEBP), saved(RGB, WEBP, lossless=False), saved(RGBA, WEBP, lossless=False), turned(WEBP, 3)],
}


@st.composite
def mutated(draw: st.DrawFn) -> tuple[ImageFormat, bytes]:
    """A sound file with a few of its bytes changed, dropped or doubled; PNG checksums are put right again."""
    format = draw(st.sampled_from(INPUTS))
    body = bytearray(draw(st.sampled_from(SEEDS[format])))
    for _ in range(draw(st.integers(1, 6))):
        start = draw(st.integers(0, len(body)))
        end = draw(st.integers(start, min(start + 8, len(body))))
        body[start:end] = draw(st.one_of(st.just(b""), st.binary(max_size=8), st.just(bytes(body[start:end]) * 2)))
    return format, _with_sums(bytes(body)) if format is PNG else bytes(body)


def _with_sums(body: bytes) -> bytes:
    """The same chunks with checksums that fit, so that damage gets past them."""
    out, at = body[:8], 8
    while at + 12 <= len(body):
        length, kind = struct.unpack_from(">I4s", body, at)
        out += png_chunk(kind, body[at + 8 : at + 8 + length])
        at += 12 + length
    return out


@given(mutated())
@settings(max_examples=examples(400), deadline=None)
def test_whatever_is_done_to_a_file_it_is_a_picture_or_an_invalid_image(file: tuple[ImageFormat, bytes]) -> None:
    format, body = file
    try:
        info = probe(body, format, max_side=512)
        picture = decode(body, info)
    except InvalidImage:
        return
    assert (picture.width, picture.height) == (info.width, info.height)


@given(st.sampled_from(INPUTS), st.binary(max_size=400))
@settings(max_examples=examples(200), deadline=None)
def test_any_bytes_are_a_picture_or_an_invalid_image(format: ImageFormat, rest: bytes) -> None:
    body = SEEDS[format][0][:12] + rest
    with pytest.raises(InvalidImage):
        decode(body, probe(body, format, max_side=512))
