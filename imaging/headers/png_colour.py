"""What a PNG file says its colours are (W3C PNG, third edition, §4.3): cICP, iCCP, sRGB, then cHRM with gAMA.

The first of them that is readable wins. A chunk of the wrong length, checksum or compression is as good as absent.
"""

import struct
import zlib

from imaging.headers.header import MAX_METADATA
from imaging.headers.png import ancillary, chunks
from imaging.rgb_space import SRGB, ColourTag, from_cicp, from_gamma

_INTENTS = [bytes((intent,)) for intent in range(4)]
_KINDS = frozenset({b"cICP", b"iCCP", b"sRGB", b"cHRM", b"gAMA"})


def colour(body: bytes) -> ColourTag | None:
    """An ICC profile, or a colour space by its numbers; None where the file names none that is readable."""
    found = _found(body)
    by_numbers = from_cicp(found.get(b"cICP", b""))
    profile = _profile(found.get(b"iCCP", b""))
    if by_numbers or profile:
        return by_numbers or profile
    if found.get(b"sRGB") in _INTENTS:
        return SRGB
    return from_gamma(_integers(found.get(b"cHRM", b""), 8), _integers(found.get(b"gAMA", b""), 1))


def _found(body: bytes) -> dict[bytes, bytes]:
    """The first sound chunk of each kind that stands before the pixels."""
    found: dict[bytes, bytes] = {}
    for kind, start, end in chunks(body):
        if kind == b"IDAT":
            break
        if kind in _KINDS and kind not in found and (data := ancillary(body, start, end)) is not None:
            found[kind] = data
    return found


def _integers(data: bytes, count: int) -> tuple[int, ...] | None:
    """Four-byte integers, in units of 1/100,000 (§11.3.2.1 and §11.3.2.2); None where there are not as many."""
    return struct.unpack(f">{count}I", data) if len(data) == 4 * count else None


def _profile(data: bytes) -> bytes | None:
    """The ICC profile of an iCCP chunk: name, zero, compression method 0, deflated profile."""
    name, _, rest = data.partition(b"\x00")
    if not 1 <= len(name) <= 79 or rest[:1] != b"\x00":
        return None
    inflater = zlib.decompressobj()
    try:
        profile = inflater.decompress(rest[1:], MAX_METADATA)
    except zlib.error:
        return None
    return profile if inflater.eof else None
