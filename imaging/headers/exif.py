"""The one Exif tag that changes how a picture looks (Exif 2.32 §4.6.4 Orientation; TIFF 6.0 §2 for the structure).

Browsers read orientation from Exif alone. An orientation in XMP, or in the text chunks in which ImageMagick keeps raw
profiles, does not turn a picture there, and does not here.
"""

import struct

_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_ORIENTATION = 0x0112
_SHORT, _LONG = 3, 4
_MAX_ENTRIES = 1_000
"""Cameras write about twenty entries; the bound keeps a hostile block from taking time."""


def orientation(tiff: bytes) -> int:
    """Orientation 1 to 8 from an Exif block that starts at its TIFF header; 1 when it names none that is readable.

    Damaged Exif does not refuse a picture: every viewer shows it as it is stored.
    """
    order = _BYTE_ORDERS.get(tiff[:4])
    if order is None:
        return 1
    try:
        return _find(tiff, order)
    except struct.error:
        return 1


def _find(tiff: bytes, order: str) -> int:
    (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
    (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
    first = directory + 2
    for start in range(first, first + 12 * min(entries, _MAX_ENTRIES), 12):
        tag, kind = struct.unpack_from(f"{order}HH", tiff, start)
        if tag == _ORIENTATION and kind in (_SHORT, _LONG):
            (value,) = struct.unpack_from(order + ("H" if kind == _SHORT else "I"), tiff, start + 8)
            return int(value) if value in range(1, 9) else 1
    return 1
