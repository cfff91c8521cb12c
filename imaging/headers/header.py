"""The information of an image header."""

from dataclasses import dataclass

from errors import InvalidImage

MAX_METADATA = 4_000_000
"""Bytes of one piece of metadata, inflated; a larger one counts as absent. Profiles of printers reach some 2 MB."""

TRUNCATED = "The file ends before its image does. Send the whole file."


@dataclass(frozen=True, slots=True)
class Header:
    """The rest of a header, after the size was judged.

    Attributes:
        orientation: 1 to 8, Exif tag 0x0112: how the stored picture is to be turned to stand upright.
        decode_bytes: bytes of memory per pixel that decoding to 8-bit RGBA takes at its peak, RGBA included.
    """

    orientation: int
    decode_bytes: int


class Truncated(InvalidImage):
    """The file is truncated."""


def truncated() -> Truncated:
    """The error for a truncated file."""
    return Truncated(TRUNCATED)


def contradiction() -> InvalidImage:
    """The error for a file with two sizes: the checked size is not the one that would be decoded."""
    return InvalidImage("The image file's headers state different sizes. Send the original file.")
