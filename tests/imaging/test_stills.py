"""Animated containers: one frame is a still, several are refused."""

import struct

import numpy as np
import pytest
from PIL import Image

from errors import InvalidImage
from imaging.formats import INPUTS, ImageFormat
from imaging.picture import Pixels
from imaging.probing import probe
from tests.imaging.samples import MAX_SIDE, opened, png_chunk, riff_chunks, saved, scene

PNG, WEBP = ImageFormat.PNG, ImageFormat.WEBP
RGB = scene()
STILL = saved(RGB, PNG)


def frame_control(number: int = 0) -> bytes:
    """An fcTL chunk for a frame of the whole picture."""
    return png_chunk(b"fcTL", struct.pack(">IIIIIHHBB", number, 60, 40, 0, 0, 1, 10, 0, 0))


def apng(frames: int, before: bytes = b"", after: bytes = b"") -> bytes:
    """A PNG that says how many frames it has, with chunks around its pixels."""
    control = png_chunk(b"acTL", struct.pack(">II", frames, 0))
    return STILL[:33] + control + before + STILL[33:-12] + after + STILL[-12:]


@pytest.mark.parametrize(
    "body",
    [
        apng(1, before=frame_control()),
        apng(1),
        apng(0),
        apng(5),
        apng(5, before=frame_control()),
        STILL[:33] + frame_control() + STILL[33:],
        apng(2).replace(b"acTL", b"acTl"),
    ],
    ids=["one", "none told", "zero", "five told, none there", "five told, one there", "no control", "wrong name"],
)
def test_a_png_of_one_frame_is_a_still(body: bytes) -> None:
    assert np.array_equal(opened(body, PNG).rgba[..., :3], RGB)


@pytest.mark.parametrize(
    "body",
    [
        apng(2, before=frame_control(), after=frame_control(1)),
        apng(1, after=frame_control(0)),
        apng(1, before=frame_control(), after=frame_control(1)),
    ],
    ids=["two", "one beside the still picture", "more than told"],
)
def test_a_png_of_several_pictures_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidImage, match="animated"):
        probe(body, PNG, MAX_SIDE)


def frame(image: Pixels, x: int = 0, y: int = 0) -> tuple[bytes, bytes]:
    """An ANMF chunk (RFC 9649 §2.7.1.1)."""
    height, width = image.shape[:2]
    header = b"".join(n.to_bytes(3, "little") for n in (x // 2, y // 2, width - 1, height - 1, 100)) + b"\0"
    return b"ANMF", header + saved(image, WEBP)[12:]


def animation(*frames: tuple[bytes, bytes], width: int = 60, height: int = 40) -> bytes:
    canvas = b"\x12\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunks((b"VP8X", canvas), (b"ANIM", bytes(6)), *frames)


def test_a_webp_of_one_frame_is_a_still() -> None:
    assert np.array_equal(opened(animation(frame(RGB)), WEBP).rgba[..., :3], RGB)


@pytest.mark.parametrize("channels", [3, 4])
def test_a_frame_smaller_than_its_canvas_lies_in_its_place(channels: int) -> None:
    image = np.maximum(scene(20, 10, channels=channels), 1)
    picture = opened(animation(frame(image, x=30, y=4)), WEBP)
    assert (picture.width, picture.height, picture.has_alpha) == (60, 40, True)
    assert np.array_equal(picture.rgba[4:14, 30:50, :channels], image)
    outside = picture.rgba.copy()
    outside[4:14, 30:50] = 0
    assert not outside.any()


@pytest.mark.parametrize(
    "body",
    [
        animation(frame(RGB), width=30, height=30),
        animation(frame(RGB, x=2)),
        animation((b"ANMF", frame(RGB)[1][:6] + b"\x01\0\0" + frame(RGB)[1][9:])),
        animation((b"ANMF", frame(RGB)[1][:10])),
        riff_chunks((b"VP8X", b"\0" * 4 + b"\x09\0\0\x09\0\0"), rest=saved(RGB, WEBP)[12:]),
    ],
    ids=["larger than the canvas", "beyond the canvas", "not the size it says", "cut off", "still of another size"],
)
def test_a_frame_that_does_not_fit_is_refused_before_it_is_decoded(body: bytes) -> None:
    with pytest.raises(InvalidImage):
        opened(body, WEBP)


def test_a_webp_of_several_frames_is_refused() -> None:
    with pytest.raises(InvalidImage, match="animated"):
        probe(animation(frame(RGB), frame(RGB)), WEBP, MAX_SIDE)


def test_a_still_webp_that_says_it_is_animated_is_a_still() -> None:
    body = riff_chunks((b"VP8X", b"\x02\0\0\0" + b"\x3b\0\0\x27\0\0"), rest=saved(RGB, WEBP)[12:])
    assert np.array_equal(opened(body, WEBP).rgba[..., :3], RGB)


def _tiff(order: str, kind: int, value: int, count: int = 1) -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    stored = struct.pack(f"{order}H2x" if kind == 3 else f"{order}I", value)
    return mark + struct.pack(f"{order}IHHHI", 8, 1, 0x0112, kind, count) + stored + bytes(4)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [3, 4], ids=["SHORT", "LONG"])
@pytest.mark.parametrize("format", INPUTS)
def test_an_orientation_may_be_stored_as_short_or_as_long(format: ImageFormat, kind: int, order: str) -> None:
    exif = _tiff(order, kind, 6)
    body = saved(Image.fromarray(RGB), format, exif=b"Exif\0\0" + exif)
    info = probe(body, format, MAX_SIDE)
    assert (info.orientation, info.width, info.height) == (6, 40, 60)


@pytest.mark.parametrize(("kind", "value"), [(4, 0), (4, 9), (4, 6 << 16), (2, 6), (3, 0), (3, 9)])
def test_an_orientation_that_is_none_leaves_the_picture_as_it_is(kind: int, value: int) -> None:
    body = STILL[:33] + png_chunk(b"eXIf", _tiff(">", kind, value)) + STILL[33:]
    assert probe(body, PNG, MAX_SIDE).orientation == 1


@pytest.mark.parametrize(
    "chunk",
    [
        png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation='6'/>"),
        png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n26\n" + _tiff(">", 3, 6).hex().encode()),
        png_chunk(b"eXIf", _tiff(">", 3, 6))[:-1] + b"\0",
    ],
    ids=["XMP", "raw profile", "Exif with a wrong checksum"],
)
def test_orientation_is_read_from_sound_exif_alone_as_browsers_do(chunk: bytes) -> None:
    assert probe(STILL[:33] + chunk + STILL[33:], PNG, MAX_SIDE).orientation == 1
