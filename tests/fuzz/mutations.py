"""One mutated file for each number: deterministic, so that a finding is named by its seed and number."""

import struct
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from tests.fuzz.seeds import bombs, seeds

INTERESTING = (0, 1, 2, 3, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST = 6
"""Mutations of one file."""


_BOMBS = 0.01
"""Share of the files that are made from those of 100 megapixels, which take a hundred times as long."""


@dataclass(frozen=True)
class Mutations:
    """The files of one seed."""

    seed: int
    seeds: Mapping[str, bytes] = field(default_factory=seeds)
    bombs: Mapping[str, bytes] = field(default_factory=bombs)

    def file(self, number: int) -> tuple[str, bytes]:
        """The file of that number, and the name of the one that it was made from; one in ten is left as it is."""
        random = Random(f"{self.seed}:{number}")
        name, body = self._origin(random)
        if random.random() < 0.1:
            return name, body
        for _ in range(random.randint(1, _MOST)):
            body = random.choice(_MUTATIONS)(random, body, self.seeds)
        return name, _checked(body) if random.random() < 0.7 else body

    def _origin(self, random: Random) -> tuple[str, bytes]:
        """Each format is as frequent."""
        files = self.bombs if random.random() < _BOMBS else self.seeds
        format = random.choice(("png", "jpeg", "webp"))
        name = random.choice([each for each in files if each.startswith(format)])
        return name, files[name]


def _place(random: Random, body: bytes) -> int:
    """Half of the time among the first bytes, where headers are."""
    end = min(len(body), 200) if random.random() < 0.5 else len(body)
    return random.randrange(max(end, 1))


def _flip(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    at = _place(random, body)
    return body[:at] + bytes([body[at] ^ (1 << random.randrange(8))]) + body[at + 1 :] if body else body


def _number(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    """One, two or four bytes, in either order, become a number at which programs go wrong."""
    form = random.choice((">B", ">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    at = _place(random, body)
    return body[:at] + struct.pack(form, random.choice(INTERESTING) % (1 << 8 * size)) + body[at + size :]


def _cut(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    return body[: _place(random, body)]


def _drop(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    at = _place(random, body)
    return body[:at] + body[at + random.randint(1, 64) :]


def _repeat(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    at = _place(random, body)
    piece = body[at : at + random.randint(1, 256)]
    return body[:at] + piece * random.randint(1, 20) + body[at:]


def _insert(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    at = _place(random, body)
    return body[:at] + random.randbytes(random.randint(1, 64)) + body[at:]


def _splice(random: Random, body: bytes, files: Mapping[str, bytes]) -> bytes:
    other = files[random.choice(list(files))]
    return body[: _place(random, body)] + other[_place(random, other) :]


_MUTATIONS: tuple[Callable[[Random, bytes, Mapping[str, bytes]], bytes], ...] = (
    *(_flip, _flip, _number, _number, _number),
    *(_cut, _drop, _repeat, _insert, _splice),
)


def _checked(body: bytes) -> bytes:
    """A PNG's checksums made right again, so that what was changed gets past them."""
    if not body.startswith(_SIGNATURE):
        return body
    result, at = bytearray(_SIGNATURE), len(_SIGNATURE)
    while at + 12 <= len(body):
        length = int.from_bytes(body[at : at + 4], "big")
        data = body[at + 4 : at + 8 + length]
        if at + 12 + length > len(body):
            break
        result += body[at : at + 8 + length] + zlib.crc32(data).to_bytes(4, "big")
        at += 12 + length
    return bytes(result) + body[at:]
