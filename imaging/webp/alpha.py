"""The alpha of a lossy WebP: the data of its ALPH chunk, lossless, in a fifth of the time that libwebp takes.

An alpha is even almost everywhere. What is left of it after its prediction is written as single values and runs of
zeros: the simplest stream that VP8L allows, without transforms and with one prefix code (RFC 9649, "Alpha" and
"Specification for WebP Lossless Bitstream").
"""

from dataclasses import dataclass

import numpy as np

from imaging.bands import bands
from imaging.picture import Pixels
from imaging.webp.bits import BitWriter, Numbers, backwards
from imaging.webp.prefix_code import LONGEST, PrefixCode

_FIRST_BYTE = 2 << 2 | 1
"""Each value less the one above it; compressed as VP8L."""

_VALUES, _LENGTHS = 256, 24
"""Symbols of the code for green, which holds alpha: values, and prefixes of lengths."""

_LONGEST_RUN = 4096
_AT_LEAST_TWO = np.bincount([0, 1], minlength=_VALUES + _LENGTHS)
"""A code of one symbol would have words of no bits."""


def encode_alpha(alpha: Pixels) -> bytes:
    """The data of the ALPH chunk for uint8 [H,W]."""
    bands_of_tokens = [_tokens(_differences(alpha, rows).reshape(-1)) for rows in bands(*alpha.shape)]
    counts = sum((np.bincount(each.symbols, minlength=_AT_LEAST_TWO.size) for each in bands_of_tokens), _AT_LEAST_TWO)
    code = PrefixCode.of(counts)
    bits = BitWriter()
    _write_header(bits, code)
    for each in bands_of_tokens:
        bits.write_all(*each.written(code))
    return bytes([_FIRST_BYTE]) + bits.written()


def _differences(alpha: Pixels, rows: slice) -> Pixels:
    """uint8 [rows,W] modulo 256: to the value above, in the first row to the one on the left."""
    result = np.empty_like(alpha[rows])
    first = max(rows.start, 1)
    np.subtract(alpha[first : rows.stop], alpha[first - 1 : rows.stop - 1], out=result[first - rows.start :])
    if rows.start == 0:
        result[0] = np.diff(alpha[0], prepend=np.uint8(0))
    return result


def _length_table() -> tuple[Numbers, Numbers]:
    """uint16 symbol, and value of the extra bits, by length up to the longest (RFC 9649, "LZ77 Backward
    Reference")."""
    least = np.maximum(np.arange(_LONGEST_RUN + 1) - 1, 0)
    bits = np.maximum(np.frexp(np.maximum(least, 1))[1] - 2, 0)
    return (_VALUES + 2 * bits + (least >> bits)).astype(np.uint16), (least & (1 << bits) - 1).astype(np.uint16)


_RUN_SYMBOL, _RUN_EXTRA = _length_table()
_EXTRA_BITS = np.append(np.zeros(_VALUES), np.maximum(np.arange(_LENGTHS) - 2, 0) // 2).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class _Tokens:
    """uint16 [N] symbols, and the values of their extra bits."""

    symbols: Numbers
    extra: Numbers

    def written(self, code: PrefixCode) -> tuple[Numbers, Numbers]:
        """As a `BitWriter` takes them."""
        lengths = code.lengths[self.symbols]
        values = code.words[self.symbols] | (self.extra.astype(np.uint64) << lengths)
        return values, lengths + _EXTRA_BITS[self.symbols]


def _tokens(differences: Pixels) -> _Tokens:
    """Each value but zero, and before it, where zeros are, one of them and runs that repeat it."""
    places = np.append(np.flatnonzero(differences != 0), differences.size)
    zeros = np.diff(places, prepend=-1) - 1
    full, rest = np.divmod(np.maximum(zeros - 1, 0), _LONGEST_RUN)
    ends = np.cumsum((zeros > 0) + full + (rest > 0) + 1)
    symbols, extra = np.full(ends[-1], _RUN_SYMBOL[-1]), np.full(ends[-1], _RUN_EXTRA[-1])
    begins = np.append(0, ends[:-1])[zeros > 0]
    symbols[begins] = extra[begins] = 0
    short = np.flatnonzero(rest)
    symbols[ends[short] - 2], extra[ends[short] - 2] = _RUN_SYMBOL[rest[short]], _RUN_EXTRA[rest[short]]
    symbols[ends[:-1] - 1], extra[ends[:-1] - 1] = differences[places[:-1]], 0
    return _Tokens(symbols[:-1], extra[:-1])  # trailing zeros are followed by no value


def _write_header(bits: BitWriter, code: PrefixCode) -> None:
    """No transform, no colour cache, one group of prefix codes. Red, blue and (unused) alpha have one symbol each, and
    so has the distance, which is to the value before: words of no bits."""
    bits.write(0, 3)
    _write_code(bits, code)
    for symbol in (0, 0, 0, 1):
        bits.write(symbol << 3 | 0b0001, 4)


_ORDER = (17, 18, 0, 1, 2, 3, 4, 5, 16, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
"""In which the lengths of the code for lengths stand."""


def _write_code(bits: BitWriter, code: PrefixCode) -> None:
    """Every length in four bits: some dozens of bytes more than the shortest form, which needs a code of its own."""
    bits.write((len(_ORDER) - 4) << 1, 5)
    for symbol in _ORDER:
        bits.write(4 if symbol <= LONGEST else 0, 3)
    bits.write(0, 1)
    for length in code.lengths.tolist():
        bits.write(backwards(length, 4), 4)
