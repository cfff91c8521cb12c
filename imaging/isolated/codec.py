"""`imaging.decode` with all lazy imports done in advance: a process with a seccomp filter cannot open files."""

from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms

from errors import InvalidImage
from imaging.decoding import decode
from imaging.formats import ImageFormat
from imaging.probing import probe

__all__ = ["decode", "warm_up"]

_SIDE = 16


def warm_up() -> None:
    """Decode a small image of each kind, including a damaged one."""
    for format, body in _pictures():
        with suppress(InvalidImage):
            decode(body, probe(body, format, _SIDE))


def _pictures() -> Iterator[tuple[ImageFormat, bytes]]:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for mode in ("L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield ImageFormat.PNG, _saved(mode, ImageFormat.PNG, icc_profile=profile)
    for mode in ("L", "RGB", "CMYK"):
        whole = _saved(mode, ImageFormat.JPEG, icc_profile=profile)
        yield ImageFormat.JPEG, whole
        yield ImageFormat.JPEG, whole[:-8] + b"\xff\xd9"
    for mode in ("RGB", "RGBA"):
        yield ImageFormat.WEBP, _saved(mode, ImageFormat.WEBP, icc_profile=profile)


def _saved(mode: str, format: ImageFormat, **options: Any) -> bytes:
    file = BytesIO()
    Image.new(mode, (_SIDE, _SIDE)).save(file, format.name, **options)
    return file.getvalue()
