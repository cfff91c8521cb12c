"""A file may be hostile, but it cannot make the service talk."""

import logging
import warnings
import zlib
from contextlib import suppress

import pytest
from PIL import ImageCms

from errors import InvalidImage
from imaging.formats import INPUTS, ImageFormat
from tests.imaging.samples import jpeg_segment, opened, png, png_chunk, saved, scene

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP
SOUND = {format: saved(scene(), format) for format in INPUTS}
SCAN = SOUND[JPEG].index(b"\xff\xda")


def chunks(kind: bytes, data: bytes = b"", count: int = 16_000) -> bytes:
    """A PNG with many of one chunk before its pixels."""
    return SOUND[PNG][:33] + png_chunk(kind, data) * count + SOUND[PNG][33:]


TALKATIVE = {
    "empty palettes": (PNG, chunks(b"sPLT")),
    "wrong checksums": (PNG, chunks(b"tEXt").replace(b"tEXt", b"tEXT")),
    "transparencies": (PNG, chunks(b"tRNS")),
    "idle pixels": (PNG, SOUND[PNG][:-12] + png_chunk(b"IDAT", b"x") * 16_000 + SOUND[PNG][-12:]),
    "unknown critical chunks": (PNG, chunks(b"ABCD")),
    "a damaged profile": (PNG, chunks(b"iCCP", b"p\0\0" + zlib.compress(b"acsp" * 99), count=1)),
    "lines of no filter": (PNG, png(100, 5_000, 8, 0, b"\x09" * 101 * 5_000)),
    "no such colours": (PNG, png(99, 5_000, 8, 3, (b"\0" + b"\xff" * 99) * 5_000, png_chunk(b"PLTE", bytes(6)))),
    "segments": (JPEG, SOUND[JPEG][:2] + jpeg_segment(0xE1, b"Exif\0\0II*\0") * 4_000 + SOUND[JPEG][2:]),
    "noise for pixels": (JPEG, SOUND[JPEG][: SCAN + 14] + b"\x5a\xa5" * 9_999 + b"\xff\xd9"),
    "no pixels": (JPEG, SOUND[JPEG][: SCAN + 14] + b"\xff\xd9"),
    "cut off": (WEBP, SOUND[WEBP][:-30]),
}


@pytest.mark.parametrize(("format", "body"), TALKATIVE.values(), ids=TALKATIVE)
def test_no_file_makes_a_decoder_write_anything(
    format: ImageFormat, body: bytes, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither by a logger, nor as a warning, nor on the descriptors that C libraries write to."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True, action="always") as warned, suppress(InvalidImage):
        opened(body, format)
    assert warned == []
    assert [record for record in caplog.records if record.levelno > logging.DEBUG] == []
    assert capfd.readouterr() == ("", "")


def test_little_cms_says_nothing_about_profiles(capfd: pytest.CaptureFixture[str]) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for at in range(128, len(profile), 97):
        opened(saved(scene(), PNG, icc_profile=profile[:at] + b"\xff" * 9 + profile[at + 9 :]), PNG)
    assert capfd.readouterr() == ("", "")
