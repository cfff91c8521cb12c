"""Bytes to a Picture. Whatever cannot be decoded is `InvalidImage`; nothing of a codec's own leaves this file.

Each format goes through the codec that was fastest on sound files and strict on damaged ones: libjpeg-turbo
(simplejpeg) for JPEG, libpng and libwebp (imagecodecs) for the others. Pillow reads colour profiles, decodes CMYK, and
has the last word on a JPEG file that libjpeg-turbo warns about.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BytesIO

import cv2
import imagecodecs
import numpy as np
import simplejpeg
from cv2.typing import MatLike
from numpy.typing import NDArray
from PIL import Image

from errors import InvalidImage
from imaging import colour
from imaging.bands import bands
from imaging.formats import ImageFormat
from imaging.picture import Picture, Pixels
from imaging.probe import ImageInfo

# Pillow's own limit only warns where it starts and is far below ours. `probe` has refused what is too large, and the
# size is compared again before anything is decoded.
Image.MAX_IMAGE_PIXELS = None

_TURNS: dict[int, Callable[[Pixels], MatLike]] = {
    2: lambda stored: cv2.flip(stored, 1),
    3: lambda stored: cv2.flip(stored, -1),
    4: lambda stored: cv2.flip(stored, 0),
    5: cv2.transpose,
    6: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_CLOCKWISE),
    7: lambda stored: cv2.flip(cv2.transpose(stored), -1),
    8: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
"""Exif orientation → how the stored picture gets upright."""


def decode(body: bytes, info: ImageInfo) -> Picture:
    """Decode a probed file: upright, sRGB, 8 bits per channel.

    Raises:
        InvalidImage: damaged, or not of the size that its header says.
    """
    with _only_invalid_image(), Image.open(BytesIO(body), formats=[info.format.name]) as header:
        _check_size(header.size, info)
        picture = _decode(body, header, info.format)
    _check_size((picture.width, picture.height), info)
    turn = _TURNS.get(info.orientation)
    return Picture(np.asarray(turn(picture.rgba), np.uint8), picture.has_alpha) if turn else picture


@contextmanager
def _only_invalid_image() -> Iterator[None]:
    try:
        yield
    except (InvalidImage, MemoryError):
        raise
    # Damaged files make codecs fail with whatever they trip over: OSError, SyntaxError, struct.error, KeyError, ...
    except Exception as error:
        raise InvalidImage("The image file is damaged and cannot be decoded. Send the original file.") from error


def _check_size(size: tuple[int, int], info: ImageInfo) -> None:
    if size != info.stored_size:
        raise InvalidImage("The image file's headers contradict each other about its size. Send the original file.")


def _decode(body: bytes, header: Image.Image, format: ImageFormat) -> Picture:
    icc = header.info.get("icc_profile")
    if header.mode == "CMYK":
        return _from_codec(np.asarray(colour.cmyk_to_rgb(header, icc)))
    picture = _CODECS[format](body)
    if icc:
        is_grey = header.mode in ("1", "L", "LA", "I;16")
        (colour.grey_to_srgb if is_grey else colour.rgba_to_srgb)(picture.rgba, icc)
    return picture


def _decode_jpeg(body: bytes) -> Picture:
    try:
        return Picture(simplejpeg.decode_jpeg(body, "RGBA"), has_alpha=False)
    except ValueError:
        with Image.open(BytesIO(body), formats=["JPEG"]) as image:
            return _from_codec(np.asarray(image.convert("RGB")))


def _decode_png(body: bytes) -> Picture:
    return _from_codec(imagecodecs.png_decode(body))


def _decode_webp(body: bytes) -> Picture:
    return _from_codec(imagecodecs.webp_decode(body))


_CODECS = {ImageFormat.JPEG: _decode_jpeg, ImageFormat.PNG: _decode_png, ImageFormat.WEBP: _decode_webp}


def _from_codec(decoded: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    """A Picture from [H,W] grey or [H,W,C] grey+alpha, RGB or RGBA; of 16 bits the upper 8 are kept."""
    height, width = decoded.shape[:2]
    channels = decoded.reshape(height, width, -1)
    if channels.dtype == np.uint8 and channels.shape[2] == 4:
        return Picture(np.ascontiguousarray(channels, dtype=np.uint8), has_alpha=True)
    rgba = np.empty((height, width, 4), np.uint8)
    for rows in bands(height, width):
        rgba[rows] = _to_rgba(channels[rows])
    return Picture(rgba, has_alpha=channels.shape[2] in (2, 4))


def _to_rgba(band: NDArray[np.uint8] | NDArray[np.uint16]) -> Pixels:
    pixels = (band >> 8).astype(np.uint8) if band.dtype == np.uint16 else band.astype(np.uint8, copy=False)
    match pixels.shape[2]:
        case 1:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2RGBA), np.uint8)
        case 2:
            return pixels[..., [0, 0, 0, 1]]
        case 3:
            return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2RGBA), np.uint8)
        case _:
            return pixels
