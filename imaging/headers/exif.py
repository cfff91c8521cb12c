"""The one Exif tag that changes how a picture looks (Exif 2.32 §4.6.4 Orientation; TIFF 6.0 §2 for the structure)."""

import struct

_BYTE_ORDERS = {b"II*\x00": "<", b"MM\x00*": ">"}
_ORIENTATION, _SHORT = 0x0112, 3


def orientation(tiff: bytes) -> int:
    """Orientation 1 to 8 from an Exif block that starts at its TIFF header; 1 when it names none that is readable.

    Damaged Exif is no reason to refuse a picture: every viewer shows it as it is stored.
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
    for start in range(directory + 2, directory + 2 + 12 * entries, 12):
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start)
        if (tag, kind) == (_ORIENTATION, _SHORT) and value in range(1, 9):
            return int(value)
    return 1
