"""Colours of a PNG without an ICC profile. `RIGHT` is what Chromium draws on an sRGB screen."""

import struct
import zlib
from io import BytesIO

import imagecodecs
import numpy as np
import pytest
from PIL import Image, ImageCms

from imaging.formats import ImageFormat
from imaging.picture import Pixels
from tests.imaging.icc import P3_TO_XYZ, SRGB_TO_XYZ, expected_srgb, grey_profile, rgb_profile
from tests.imaging.samples import opened, png_chunk, saved, scene

PNG, JPEG = ImageFormat.PNG, ImageFormat.JPEG
STORED = np.array([[[191, 64, 64], [117, 104, 112], [144, 124, 136]]], np.uint8)

LINEAR = struct.pack(">I", 100_000)
P3_CHRM = struct.pack(">8I", 31_270, 32_900, 68_000, 32_000, 26_500, 69_000, 15_000, 6_000)
SRGB_CHRM = struct.pack(">8I", 31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)
ADOBE_ICC = b"adobe\0\0" + zlib.compress(rgb_profile(P3_TO_XYZ, gamma=2.2))

RIGHT = {
    "gAMA 1.0": ({b"gAMA": LINEAR}, [224, 137, 137, 180, 171, 177, 198, 185, 193]),
    "gAMA of an old Macintosh": ({b"gAMA": struct.pack(">I", 55_556)}, [203, 81, 81, 136, 123, 131, 161, 143, 154]),
    "cHRM of P3 and gAMA": (
        {b"cHRM": P3_CHRM, b"gAMA": struct.pack(">I", 45_455)},
        [209, 46, 55, 120, 104, 113, 149, 124, 138],
    ),
    "cICP of P3": ({b"cICP": b"\x0c\x0d\0\1"}, [207, 50, 58, 120, 103, 113, 148, 123, 137]),
    "cICP, linear": ({b"cICP": b"\x01\x08\0\1"}, [224, 137, 137, 180, 171, 177, 198, 185, 193]),
    "cICP of sRGB before a profile": (
        {b"cICP": b"\x01\x0d\0\1", b"iCCP": ADOBE_ICC},
        [191, 64, 64, 117, 104, 112, 144, 124, 136],
    ),
    "sRGB before gAMA": ({b"sRGB": b"\0", b"gAMA": LINEAR}, STORED.ravel().tolist()),
    "cHRM alone": ({b"cHRM": P3_CHRM}, [207, 50, 58, 120, 103, 113, 148, 123, 137]),
}


def tagged(pixels: Pixels | Image.Image, chunks: dict[bytes, bytes]) -> bytes:
    body = saved(pixels, PNG)
    return body[:33] + b"".join(png_chunk(kind, data) for kind, data in chunks.items()) + body[33:]


def shown(body: bytes) -> np.ndarray:
    return opened(body, PNG).rgba[..., :3].astype(int)


@pytest.mark.parametrize(("chunks", "right"), RIGHT.values(), ids=RIGHT)
def test_colours_are_those_that_browsers_show(chunks: dict[bytes, bytes], right: list[int]) -> None:
    assert np.abs(shown(tagged(STORED, chunks)).ravel() - right).max() <= 1


@pytest.mark.parametrize(("first", "second"), [(b"cICP", b"iCCP"), (b"iCCP", b"sRGB"), (b"sRGB", b"gAMA")])
def test_the_first_that_is_readable_wins_wherever_it_stands(first: bytes, second: bytes) -> None:
    sound = {b"cICP": b"\x01\x08\0\1", b"iCCP": ADOBE_ICC, b"sRGB": b"\0", b"gAMA": LINEAR}
    alone = shown(tagged(STORED, {first: sound[first]}))
    other = shown(tagged(STORED, {second: sound[second]}))
    assert not np.array_equal(alone, other)
    assert np.array_equal(shown(tagged(STORED, {second: sound[second], first: sound[first]})), alone)
    assert np.array_equal(shown(tagged(STORED, {first: b"\xff", second: sound[second]})), other)


@pytest.mark.parametrize(
    "chunks",
    [
        {b"gAMA": bytes(4)},
        {b"gAMA": b"\xff\xff\xff\xff"},
        {b"cHRM": bytes(32)},
        {b"cHRM": struct.pack(">8I", *(30_000,) * 8)},
        {b"cICP": b"\x01\x08\0\0"},
        {b"cICP": b"\x01\x08\1\1"},
        {b"cICP": b"\xc8\x08\0\1"},
    ],
    ids=["gamma of 0", "gamma of 42,949", "zeros", "one point", "narrow range", "not RGB", "unknown primaries"],
)
def test_numbers_that_make_no_sense_are_ignored(chunks: dict[bytes, bytes]) -> None:
    assert np.array_equal(shown(tagged(STORED, chunks)), STORED)


@pytest.mark.parametrize(
    ("gamma", "is_srgb"), [(43_000, False), (43_500, True), (45_455, True), (47_500, True), (48_000, False)]
)
def test_a_gamma_near_that_of_srgb_means_srgb(gamma: int, is_srgb: bool) -> None:
    """As browsers take it; measured in Chromium. Beside cHRM it is a number like any other."""
    chunk = {b"gAMA": struct.pack(">I", gamma)}
    dark = np.arange(60, dtype=np.uint8).reshape(1, 20, 3)
    assert np.array_equal(shown(tagged(dark, chunk)), dark) == is_srgb
    assert not np.array_equal(shown(tagged(dark, {b"cHRM": SRGB_CHRM, **chunk})), dark)


def test_a_chunk_after_the_pixels_says_nothing_of_them() -> None:
    body = saved(STORED, PNG)
    assert np.array_equal(shown(body[:-12] + png_chunk(b"gAMA", LINEAR) + body[-12:]), STORED)


GAMMAS = [0.35, 0.42, 0.55, 0.7, 1.0, 2.5]
GREY = np.arange(256, dtype=np.uint8).reshape(16, 16)
DEEP = np.arange(65_536, dtype=np.uint16).reshape(256, 256)


def _by_formula(coded: np.ndarray, gamma: float) -> np.ndarray:
    light = coded ** (1 / gamma)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("kind", ["grey", "grey and alpha", "palette", "rgb", "rgba"])
def test_gamma_of_8_bits(kind: str, gamma: float) -> None:
    """Of every colour type; alpha has none."""
    modes = {"grey": "L", "grey and alpha": "LA", "palette": "P", "rgb": "RGB", "rgba": "RGBA"}
    image = Image.fromarray(GREY).convert(modes[kind])
    if kind.endswith("a") and kind != "palette":
        image.putalpha(100)
    picture = opened(tagged(image, {b"gAMA": struct.pack(">I", round(gamma * 100_000))}), PNG)
    assert np.abs(picture.rgba[..., 0] - _by_formula(GREY / 255, gamma)).max() < 1
    assert (picture.rgba[..., 3] == (100 if picture.has_alpha else 255)).all()


@pytest.mark.parametrize("gamma", GAMMAS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_gamma_of_16_bits_uses_all_of_them(channels: int, gamma: float) -> None:
    """Light of 1.0 has a dozen levels of sRGB between the two darkest of its 8 bits."""
    samples = np.ascontiguousarray(np.dstack([DEEP] * channels).squeeze())
    body = bytes(imagecodecs.png_encode(samples))
    chunk = png_chunk(b"gAMA", struct.pack(">I", round(gamma * 100_000)))
    picture = opened(body[:33] + chunk + body[33:], PNG)
    assert np.abs(picture.rgba[..., 0] - _by_formula(DEEP / 65_535, gamma)).max() < 1
    assert np.array_equal(picture.rgba[..., 3], DEEP >> 8 if channels in (2, 4) else np.full_like(DEEP, 255))


def test_another_white_is_adapted() -> None:
    """White stays white, and grey grey, under the primaries of any space."""
    chunks = {b"cHRM": struct.pack(">8I", 34_567, 35_850, 73_470, 26_530, 15_960, 84_040, 3_660, 100)}
    neutral = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(shown(tagged(neutral, chunks)) - neutral).max() <= 1


def test_grey_of_16_bits_with_alpha_and_a_profile_is_converted() -> None:
    samples = np.dstack([DEEP, np.full_like(DEEP, 65_535)])
    body = bytes(imagecodecs.png_encode(samples))
    profile = png_chunk(b"iCCP", b"g\0\0" + zlib.compress(grey_profile(gamma=1.0)))
    got = shown(body[:33] + profile + body[33:])
    assert np.abs(got - expected_srgb(np.dstack([DEEP >> 8] * 3), SRGB_TO_XYZ, gamma=1.0)).max() <= 2


@pytest.mark.parametrize("format", [PNG, JPEG])
def test_grey_with_an_rgb_profile_is_converted(format: ImageFormat) -> None:
    body = saved(GREY, format, icc_profile=rgb_profile(P3_TO_XYZ, gamma=1.0))
    expected = expected_srgb(np.dstack([GREY] * 3), P3_TO_XYZ, gamma=1.0).astype(int)
    levels = 2 if format is PNG else 20  # a dozen levels lie between the darkest two
    assert np.abs(opened(body, format).rgba[..., :3] - expected).max() <= levels


def test_rgb_with_a_grey_profile_is_left_as_it_is() -> None:
    body = saved(STORED, PNG, icc_profile=grey_profile(gamma=1.0))
    assert np.array_equal(shown(body), STORED)


def test_a_profile_of_lab_is_ignored() -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert np.array_equal(shown(saved(STORED, PNG, icc_profile=lab)), STORED)


class TestHdr:
    """PQ and HLG are brought to the range of a page: x (1 + x / L²) / (1 + x), x in pages, L = 1000 / 203."""

    @pytest.mark.parametrize(
        ("transfer", "code", "right"),
        [
            (16, 0, 0),
            (16, 148, 191),  # 203 nits: 0.5812 of full range; x = 1 is 0.5206 of light
            (16, 192, 255),  # 1,000 nits
            (16, 255, 255),
            (18, 0, 0),
            (18, 191, 191),  # 75 % of full range is 203 nits
            (18, 255, 255),
        ],
    )
    def test_white_is_as_bright_as_the_curve_says(self, transfer: int, code: int, right: int) -> None:
        pixel = np.full((1, 1, 3), code, np.uint8)
        body = tagged(pixel, {b"cICP": bytes([9, transfer, 0, 1])})
        assert np.abs(shown(body) - right).max() <= 2

    @pytest.mark.parametrize("transfer", [16, 18])
    def test_grey_stays_grey_and_keeps_its_order(self, transfer: int) -> None:
        ramp = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
        got = shown(tagged(ramp, {b"cICP": bytes([9, transfer, 0, 1])}))[0]
        assert (got == got[:, :1]).all()
        assert (np.diff(got[:, 0]) >= 0).all()
        grey = shown(tagged(ramp[..., 0], {b"cICP": bytes([9, transfer, 0, 1])}))[0]
        assert np.abs(grey - got).max() <= 1

    @pytest.mark.parametrize("transfer", [16, 18])
    def test_colours_keep_their_hue(self, transfer: int) -> None:
        pixel = np.array([[[150, 130, 130]]], np.uint8)
        red, green, blue = shown(tagged(pixel, {b"cICP": bytes([9, transfer, 0, 1])}))[0, 0]
        assert red > green + 20
        assert abs(green - blue) < 20


def test_a_photograph_in_p3_is_the_same_by_numbers_and_by_profile() -> None:
    muted = (scene() // 4 + 96).astype(np.uint8)
    file = BytesIO()
    Image.fromarray(muted).save(file, "PNG", icc_profile=rgb_profile(P3_TO_XYZ, gamma=2.2))
    numbers = tagged(muted, {b"cHRM": P3_CHRM, b"gAMA": struct.pack(">I", 45_455)})
    assert np.abs(shown(numbers) - shown(file.getvalue())).max() <= 2
