"""ICC profiles made in code (ICC.1:2001-04, version 2): small, free of rights, with known mathematics."""

import struct
from itertools import product

import numpy as np

D50 = (0.9642, 1.0, 0.8249)
P3_TO_XYZ = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])
"""Display P3's primaries, adapted to D50, as columns."""
SRGB_TO_XYZ = np.array([[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.71410]])


def rgb_profile(to_xyz: np.ndarray, gamma: float) -> bytes:
    """A monitor profile of three primaries, [3,3] columns, and one gamma."""
    primaries = {name: _xyz(column) for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), to_xyz.T, strict=True)}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(gamma))
    return _profile(b"mntr", b"RGB ", b"XYZ ", primaries | curves)


def grey_profile(gamma: float) -> bytes:
    """A grey profile of one gamma."""
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)})


def cmyk_profile() -> bytes:
    """A printer of neutral inks: L* = 100 (1 - K) (1 - (C + M + Y) / 6), a* = b* = 0."""
    corners = bytearray()
    for cyan, magenta, yellow, black in product((0, 1), repeat=4):
        corners += bytes([round(255 * (1 - black) * (1 - (cyan + magenta + yellow) / 6)), 128, 128])
    identity = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    table = b"mft1\x00\x00\x00\x00" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + bytes(corners) + identity * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table})


def expected_srgb(rgb: np.ndarray, to_xyz: np.ndarray, gamma: float) -> np.ndarray:
    """What uint8 RGB under such a monitor profile is in sRGB, uint8, by IEC 61966-2-1."""
    linear = (np.asarray(rgb) / 255) ** gamma @ to_xyz.T @ np.linalg.inv(SRGB_TO_XYZ).T
    linear = np.clip(linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.rint(encoded * 255), np.uint8)


def _profile(kind: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    description = b"desc\x00\x00\x00\x00" + struct.pack(">I", 5) + b"Test\x00" + b"\x00" * 78
    tags = {b"desc": description, b"cprt": b"text\x00\x00\x00\x00None\x00", b"wtpt": _xyz(D50)} | tags
    table, data, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", start + len(data), len(tag))
        data += tag + b"\x00" * (-len(tag) % 4)
    dates = struct.pack(">6H", 2024, 1, 1, 0, 0, 0)
    head = b"\x00" * 4 + b"\x02\x10\x00\x00" + kind + space + connection + dates + b"acsp" + b"\x00" * 28
    head += struct.pack(">3i", *(round(65536 * value) for value in D50)) + b"\x00" * 48
    return struct.pack(">I", start + len(data)) + head + struct.pack(">I", len(tags)) + table + data


def _xyz(values: tuple[float, ...] | np.ndarray) -> bytes:
    return b"XYZ \x00\x00\x00\x00" + struct.pack(">3i", *(round(65536 * value) for value in values))


def _gamma(gamma: float) -> bytes:
    return b"curv\x00\x00\x00\x00" + struct.pack(">IH", 1, round(256 * gamma))
