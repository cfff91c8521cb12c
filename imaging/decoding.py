"""Bytes to a Picture. A file that cannot be decoded raises `InvalidImage`; no exception of a codec leaves this module.

A codec gets only the parts of a file that make its pixels (`headers/`): metadata does not reach it, and cannot make it
fail.
Each format goes through the codec that was fastest on sound files and strict on damaged ones: libjpeg-turbo
(simplejpeg) for JPEG, libpng and libwebp (imagecodecs) for the others.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import cv2
import imagecodecs
import numpy as np
from cv2.typing import MatLike

from errors import InvalidImage
from imaging import jpeg_pixels, png_pixels
from imaging.colour import to_picture
from imaging.formats import ImageFormat
from imaging.headers import jpeg, png_colour, webp
from imaging.headers.header import contradiction
from imaging.picture import Picture, Pixels
from imaging.probing import ImageInfo
from imaging.raster import Raster

# Pixels and errors say all that matters; hostile files would fill the log.
logging.getLogger("imagecodecs").setLevel(logging.CRITICAL)

_TURNS: dict[int, Callable[[Pixels], MatLike]] = {
    2: lambda stored: cv2.flip(stored, 1),
    3: lambda stored: cv2.flip(stored, -1),
    4: lambda stored: cv2.flip(stored, 0),
    5: cv2.transpose,
    6: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_CLOCKWISE),
    7: lambda stored: cv2.flip(cv2.transpose(stored), -1),
    8: lambda stored: cv2.rotate(stored, cv2.ROTATE_90_COUNTERCLOCKWISE),
}
"""Exif orientation → how the stored picture is turned upright."""


def decode(body: bytes, info: ImageInfo) -> Picture:
    """Decode a probed file: upright, sRGB, 8 bits per channel.

    Raises:
        InvalidImage: damaged, pixels missing, or not of the size that its header says.
    """
    with _only_invalid_image():
        picture = _DECODERS[info.format](body)
    if (picture.width, picture.height) != info.stored_size:
        raise contradiction()
    turn = _TURNS.get(info.orientation)
    return Picture(np.asarray(turn(picture.rgba), np.uint8), picture.has_alpha) if turn else picture


@contextmanager
def _only_invalid_image() -> Iterator[None]:
    try:
        yield
    except (InvalidImage, MemoryError):
        raise
    # On damaged files codecs raise many kinds of errors: OSError, SyntaxError, struct.error, KeyError, ...
    except Exception as error:
        raise InvalidImage("The image file is damaged and cannot be decoded. Send the original file.") from error


def _decode_jpeg(body: bytes) -> Picture:
    profile = jpeg.profile(body)
    raster = jpeg_pixels.decode(body, profile)
    return to_picture(raster, profile if jpeg.components(body) != 4 else None)


def _decode_png(body: bytes) -> Picture:
    return to_picture(Raster.of(png_pixels.decode(body)), png_colour.colour(body))


def _decode_webp(body: bytes) -> Picture:
    still = webp.still(body)
    raster = Raster.of(imagecodecs.webp_decode(still.file))
    width, height = webp.read_size(body)
    if raster.size != (width, height):
        raster = _on_canvas(raster, still.at, width, height)
    return to_picture(raster, webp.profile(body))


def _on_canvas(raster: Raster, at: tuple[int, int], width: int, height: int) -> Raster:
    """A frame that is smaller than its canvas; around it all is transparent."""
    samples = np.zeros((height, width, 4), np.uint8)
    place = samples[at[1] : at[1] + raster.size[1], at[0] : at[0] + raster.size[0]]
    place[..., : raster.samples.shape[2]] = raster.samples
    if not raster.has_alpha:
        place[..., 3] = 255
    return Raster.of(samples)


_DECODERS = {ImageFormat.JPEG: _decode_jpeg, ImageFormat.PNG: _decode_png, ImageFormat.WEBP: _decode_webp}
