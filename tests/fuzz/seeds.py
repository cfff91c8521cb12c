"""What is mutated: sound files of every format, and nasty ones that a service has to survive as they are."""

import struct
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

from imaging import ImageFormat
from tests.corpus.png_kinds import broken, sound
from tests.imaging.icc import P3_TO_XYZ, rgb_profile
from tests.imaging.samples import (
    empty_webp,
    png,
    png_chunk,
    saved,
    scene,
    turned,
    with_jpeg_size,
    with_scans,
)

JPEG, PNG, WEBP = ImageFormat.JPEG, ImageFormat.PNG, ImageFormat.WEBP


def seeds() -> dict[str, bytes]:
    """By name, in an order that never changes for one version of the code; a name begins with the format."""
    return dict([*_pngs(), *_jpegs(), *_webps(), *_many()])


def bombs() -> dict[str, bytes]:
    """A few bytes that claim to be as many pixels as an upload may have."""
    progressive = saved(scene(200, 150), JPEG, progressive=True)
    return {
        "jpeg of 100 megapixels": with_jpeg_size(progressive, 10_000, 10_000),
        "webp of 100 megapixels": empty_webp(10_000, 10_000),
        "png of 100 megapixels": png(10_000, 10_000, 1, 0, bytes(1_251 * 10_000)),
    }


def _pngs() -> Iterator[tuple[str, bytes]]:
    for name, body in (*sound(), *broken()):
        yield f"png {name}", body
    yield "png of the usual kind", saved(scene(200, 150), PNG)
    yield "png with a profile", saved(scene(), PNG, icc_profile=rgb_profile(P3_TO_XYZ, 2.2))


def _jpegs() -> Iterator[tuple[str, bytes]]:
    yield "jpeg", saved(scene(200, 150), JPEG)
    yield "jpeg progressive", saved(scene(200, 150), JPEG, progressive=True)
    yield "jpeg grey", saved(scene()[..., 0], JPEG)
    yield "jpeg of four inks", saved(Image.fromarray(scene()).convert("CMYK"), JPEG)
    yield "jpeg turned", turned(JPEG, 6)
    yield "jpeg with a profile", saved(scene(), JPEG, icc_profile=rgb_profile(P3_TO_XYZ, 2.2))
    yield "jpeg without subsampling", saved(scene(), JPEG, subsampling=0)
    yield "jpeg with restarts", saved(scene(200, 150), JPEG, restart_marker_blocks=2)


def _webps() -> Iterator[tuple[str, bytes]]:
    rgba = scene(200, 150, 4)
    yield "webp lossless", saved(scene(), WEBP)
    yield "webp lossy", saved(scene(200, 150), WEBP, lossless=False)
    yield "webp lossy with alpha", saved(rgba, WEBP, lossless=False)
    yield "webp with a profile", saved(scene(), WEBP, icc_profile=rgb_profile(P3_TO_XYZ, 2.2))
    yield "webp turned", turned(WEBP, 6)
    file = BytesIO()
    frames = [Image.fromarray(np.roll(rgba, at, 1)) for at in (0, 20)]
    frames[0].save(file, "WEBP", save_all=True, append_images=frames[1:])
    yield "webp animated", file.getvalue()


def _many() -> Iterator[tuple[str, bytes]]:
    """Many of what a file has a few of."""
    yield "jpeg of many scans", with_scans(saved(scene(200, 150), JPEG, progressive=True), 60)
    yield (
        "png of many chunks",
        saved(scene(), PNG).replace(b"IDAT", b"IDAT", 1)[:33] + png_chunk(b"tEXt", b"a\0b") * 500,
    )
    yield "webp of many chunks", b"RIFF" + struct.pack("<I", 4 + 8 * 999) + b"WEBP" + b"EXIF\0\0\0\0" * 999
