"""Bits in the order of VP8L: the lowest of each byte first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[Any]

_WORD = 32


class BitWriter:
    """Collects values of at most 32 bits each."""

    def __init__(self) -> None:
        self._parts: list[Numbers] = []
        self._rest, self._rest_bits = 0, 0

    def write(self, value: int, bits: int) -> None:
        """One value."""
        self.write_all(np.asarray([value], np.uint64), np.asarray([bits], np.uint8))

    def write_all(self, values: Numbers, bits: Numbers) -> None:
        """uint64 [N], and how many bits of each, uint8 [N], N at least 1."""
        ends = np.cumsum(bits, dtype=np.int64) + self._rest_bits
        places = ends - bits
        values = values << (places % _WORD).astype(np.uint64)
        numbers = places // _WORD
        firsts = np.flatnonzero(np.diff(numbers, prepend=-1))
        whole, self._rest_bits = divmod(int(ends[-1]), _WORD)
        words = np.zeros(whole + 2, np.uint64)
        words[0] = self._rest
        # Bits of different values are never the same, so that a sum is their union.
        words[numbers[firsts]] += np.add.reduceat(values & 0xFFFFFFFF, firsts)
        words[numbers[firsts] + 1] += np.add.reduceat(values >> _WORD, firsts)
        self._parts.append(words[:whole].astype("<u4"))
        self._rest = int(words[whole])

    def written(self) -> bytes:
        """All of them, and zeros up to the end of the last byte."""
        rest = self._rest.to_bytes(4, "little")[: (self._rest_bits + 7) // 8]
        return b"".join(part.tobytes() for part in self._parts) + rest


def backwards(value: int, bits: int) -> int:
    """The same bits in the opposite order: prefix codes are read from their first bit on."""
    return int(f"{value:0{bits}b}"[::-1], 2)
