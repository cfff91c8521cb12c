"""Canonical prefix codes of bounded length (RFC 9649, "Decoding and Building the Prefix Codes")."""

import heapq
from dataclasses import dataclass

import numpy as np

from imaging.webp.bits import Numbers, backwards

LONGEST = 15


@dataclass(frozen=True, slots=True, eq=False)
class PrefixCode:
    """How symbols are written.

    Attributes:
        lengths: uint8 [symbols], bits of each code word; 0 for a symbol that has none.
        words: uint64 [symbols], each code word as a `BitWriter` takes it.
    """

    lengths: Numbers
    words: Numbers

    @classmethod
    def of(cls, counts: Numbers) -> "PrefixCode":
        """The shortest code for symbols that occur so often, but for the bound; two of them must occur."""
        lengths = _lengths(counts.tolist())
        return cls(np.asarray(lengths, np.uint8), np.asarray(_words(lengths), np.uint64))


def _lengths(counts: list[int]) -> list[int]:
    """Huffman's, of counts that are raised until the longest fits."""
    least = 1
    while max(lengths := _huffman([count and max(count, least) for count in counts])) > LONGEST:
        least *= 2
    return lengths


def _huffman(counts: list[int]) -> list[int]:
    lengths = [0] * len(counts)
    trees: list[tuple[int, int, tuple[int, ...]]] = [
        (count, symbol, (symbol,)) for symbol, count in enumerate(counts) if count
    ]
    heapq.heapify(trees)
    while len(trees) > 1:
        (fewer, _, one), (more, first, other) = heapq.heappop(trees), heapq.heappop(trees)
        for symbol in one + other:
            lengths[symbol] += 1
        heapq.heappush(trees, (fewer + more, first, one + other))
    return lengths


def _words(lengths: list[int]) -> list[int]:
    """In the order of length and symbol."""
    words, word, before = [0] * len(lengths), 0, 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(lengths) if length):
        word <<= length - before
        words[symbol] = backwards(word, length)
        word, before = word + 1, length
    return words
