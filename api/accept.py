"""Chooses among media types by `Accept` (RFC 9110 §12.4.2 and §12.5.1)."""

import re
from collections.abc import Iterable, Sequence

_RANGE = re.compile(r"\s*([\w!#$&^.+-]+|\*)/([\w!#$&^.+-]+|\*)\s*((?:;[^;]*)*)", re.ASCII)
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.ASCII | re.IGNORECASE)
_MAX_RANGES = 100


def preferred(fields: Iterable[str], offered: Sequence[str]) -> str | None:
    """The offered media type with the highest quality, the first of equal ones; None if none is acceptable.

    Without a readable field, every type is acceptable.
    """
    ranges = [found for part in ",".join(fields).split(",")[:_MAX_RANGES] if (found := _read(part)) is not None]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda media_type: _quality(ranges, media_type))
    return best if _quality(ranges, best) > 0 else None


def _read(part: str) -> tuple[str, float] | None:
    """A media range in lower case with its quality; None if it is malformed."""
    found = _RANGE.fullmatch(part)
    if found is None or (found[1] == "*" and found[2] != "*"):
        return None
    for parameter in found[3].split(";")[1:]:
        if parameter.strip().lower().startswith("q"):
            quality = _QUALITY.fullmatch(parameter)
            return None if quality is None else (f"{found[1]}/{found[2]}".lower(), float(quality[1]))
    return f"{found[1]}/{found[2]}".lower(), 1.0


def _quality(ranges: Sequence[tuple[str, float]], media_type: str) -> float:
    """The quality of a type by the most specific range that matches it."""
    for pattern in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        found = [quality for range, quality in ranges if range == pattern]
        if found:
            return max(found)
    return 0.0
