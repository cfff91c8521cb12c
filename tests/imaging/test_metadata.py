"""Metadata never decides about pixels: whatever it holds, the picture is the picture."""

import struct
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.formats import ImageFormat
from imaging.headers.header import MAX_METADATA
from imaging.picture import Pixels
from tests.examples import examples
from tests.imaging.icc import P3_TO_XYZ, expected_srgb, rgb_profile
from tests.imaging.samples import jpeg_segment, opened, png_chunk, riff_chunks, saved, scene, turned, with_chunk

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
RGB, RGBA = scene(), scene(channels=4)
PLAIN = {PNG: saved(RGB, PNG), JPEG: saved(RGB, JPEG), WEBP: saved(RGBA, WEBP, lossless=False)}
PIXELS = {format: opened(body, format).rgba for format, body in PLAIN.items()}

ANCILLARY = (
    *("acTL", "bKGD", "cHRM", "cICP", "cLLI", "eXIf", "gAMA", "hIST", "iCCP", "iTXt"),
    *("mDCV", "pHYs", "sBIT", "sPLT", "sRGB", "tEXt", "tIME", "zTXt", "prVt"),
)
COLOURING = {b"cHRM", b"cICP", b"gAMA", b"iCCP", b"sRGB"}
NAMES = [
    b"JFIF\0",
    b"Exif\0\0",
    b"Adobe",
    b"ICC_PROFILE\0\1\1",
    b"Photoshop 3.0\x008BIM",
    b"http://ns.adobe.com/xap/1.0/\0",
]


def assert_same(body: bytes, format: ImageFormat, expected: Pixels | None = None) -> None:
    assert np.array_equal(opened(body, format).rgba, PIXELS[format] if expected is None else expected)


def _bad_sum(kind: bytes, data: bytes) -> bytes:
    return png_chunk(kind, data)[:-4] + b"\xde\xad\xbe\xef"


def _before_pixels(chunk: bytes) -> bytes:
    return PLAIN[PNG][:33] + chunk + PLAIN[PNG][33:]


@pytest.mark.parametrize("kind", ANCILLARY)
@pytest.mark.parametrize("data", [b"", b"\0", bytes(8), bytes(32), b"name\0\0garbage"], ids=len)
@pytest.mark.parametrize("make", [_bad_sum, png_chunk], ids=["wrong checksum", "senseless"])
def test_a_chunk_that_cannot_be_trusted_is_as_good_as_absent(
    kind: str, data: bytes, make: Callable[[bytes, bytes], bytes]
) -> None:
    assert_same(_before_pixels(make(kind.encode(), data)), PNG)


PNG_METADATA = {
    "iCCP of compression 1": with_chunk(PLAIN[PNG], b"iCCP", b"p\0\1" + zlib.compress(rgb_profile(P3_TO_XYZ, 2.2))),
    "iCCP without a name": with_chunk(PLAIN[PNG], b"iCCP", b"\0\0" + zlib.compress(rgb_profile(P3_TO_XYZ, 2.2))),
    "iCCP cut off": with_chunk(PLAIN[PNG], b"iCCP", b"p\0\0" + zlib.compress(rgb_profile(P3_TO_XYZ, 2.2))[:-20]),
    "iCCP of 100 MB in 100 kB": with_chunk(PLAIN[PNG], b"iCCP", b"bomb\0\0" + zlib.compress(bytes(100_000_000))),
    "text of 1.5 MB": with_chunk(PLAIN[PNG], b"zTXt", b"text\0\0" + zlib.compress(b"a" * 1_500_000)),
    "Exif larger than is looked at": with_chunk(PLAIN[PNG], b"eXIf", b"MM\0*" + bytes(MAX_METADATA)),
    "a palette for screens of few colours": with_chunk(PLAIN[PNG], b"PLTE", bytes(7)),
    "a chunk after the pixels, cut off": PLAIN[PNG][:-12] + b"\0\0\xff\xfftEXtabc",
    "no IEND": PLAIN[PNG][:-12],
    "IEND without its checksum": PLAIN[PNG][:-4],
    "IEND with another checksum": PLAIN[PNG][:-4] + b"\0\0\0\0",
    "pixels without the last checksum": PLAIN[PNG][:-16],
}


@pytest.mark.parametrize("body", PNG_METADATA.values(), ids=PNG_METADATA)
def test_a_png_is_a_picture_whatever_is_around_it(body: bytes) -> None:
    assert_same(body, PNG)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("length", range(0, 26, 3))
@pytest.mark.parametrize("marker", [0xE0, 0xE1, 0xE2, 0xED, 0xEE, 0xFE])
def test_a_segment_cut_short_is_as_good_as_absent(marker: int, length: int, name: bytes) -> None:
    data = (name + bytes(30))[:length]
    if marker == 0xEE and name == b"Adobe" and length >= 12:
        data = data[:11]  # a whole one says how the colours are stored
    assert_same(PLAIN[JPEG][:2] + jpeg_segment(marker, data) + PLAIN[JPEG][2:], JPEG)


def test_a_profile_of_more_than_a_megabyte_is_used() -> None:
    """Those of scanners and printers are."""
    muted = (RGB // 4 + 96).astype(np.uint8)
    profile = rgb_profile(P3_TO_XYZ, 2.2) + np.random.default_rng(0).bytes(1_200_000)
    profile = struct.pack(">I", len(profile)) + profile[4:]
    for format in (PNG, WEBP):
        got = opened(saved(muted, format, icc_profile=profile), format).rgba[..., :3].astype(int)
        assert np.abs(got - expected_srgb(muted, P3_TO_XYZ, gamma=2.2)).max() <= 2


def test_a_profile_in_parts_is_put_together_and_none_may_be_missing() -> None:
    profile = rgb_profile(P3_TO_XYZ, 2.2)
    parts = [
        jpeg_segment(0xE2, b"ICC_PROFILE\0" + bytes([number, 2]) + part)
        for number, part in ((2, profile[200:]), (1, profile[:200]))
    ]
    whole = opened(PLAIN[JPEG][:2] + b"".join(parts) + PLAIN[JPEG][2:], JPEG).rgba
    assert np.array_equal(whole, opened(saved(RGB, JPEG, icc_profile=profile), JPEG).rgba)
    assert_same(PLAIN[JPEG][:2] + parts[0] + PLAIN[JPEG][2:], JPEG)


def test_webp_metadata_that_is_cut_off_is_as_good_as_absent() -> None:
    body = saved(RGBA, WEBP, lossless=False, exif=turned(WEBP, 1)[-40:], xmp=b"<x/>" * 9)
    for length in range(body.index(b"EXIF"), len(body)):
        assert_same(body[:length], WEBP)


@st.composite
def png_with_other_metadata(draw: st.DrawFn) -> tuple[bytes, bool]:
    """A PNG with chunks around its pixels, and whether any of them might rightly change colours or turn it."""
    extra, touches = [], False
    for _ in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(ANCILLARY)).encode()
        data = draw(st.one_of(st.binary(max_size=40), st.sampled_from([b"\0\1\x86\xa0", b"\0\0\0\1\0\0\0\0"])))
        extra.append(draw(st.sampled_from([png_chunk, _bad_sum]))(kind, data))
        touches |= kind in COLOURING | {b"eXIf"}
    front = draw(st.integers(0, len(extra)))
    body = PLAIN[PNG]
    return body[:33] + b"".join(extra[:front]) + body[33:-12] + b"".join(extra[front:]) + body[-12:], touches


@given(png_with_other_metadata())
@settings(max_examples=examples(400), deadline=None)
def test_no_ancillary_chunk_makes_a_png_unreadable(file: tuple[bytes, bool]) -> None:
    body, touches = file
    if touches:
        assert opened(body, PNG).rgba.size == PIXELS[PNG].size
    else:
        assert_same(body, PNG)


@given(st.sampled_from([0xE0, 0xE1, 0xE2, 0xED, 0xFE]), st.sampled_from(NAMES), st.binary(max_size=60))
@settings(max_examples=examples(400), deadline=None)
def test_no_application_segment_makes_a_jpeg_unreadable(marker: int, name: bytes, data: bytes) -> None:
    body = PLAIN[JPEG][:2] + jpeg_segment(marker, name + data) + PLAIN[JPEG][2:]
    assert opened(body, JPEG).rgba.size == PIXELS[JPEG].size


@given(st.sampled_from([b"ICCP", b"EXIF", b"XMP ", b"junk"]), st.binary(max_size=60), st.integers(0, 255))
@settings(max_examples=examples(200), deadline=None)
def test_no_metadata_chunk_makes_a_webp_unreadable(kind: bytes, data: bytes, flags: int) -> None:
    """Nor does what VP8X says that the file contains."""
    body = PLAIN[WEBP]
    assert body[12:16] == b"VP8X"
    file = riff_chunks((b"VP8X", bytes([flags]) + body[21:30]), (kind, data), rest=body[30:])
    assert opened(file, WEBP).rgba.size == PIXELS[WEBP].size
