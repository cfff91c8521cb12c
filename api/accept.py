"""Which of several media types a client wants (RFC 9110 §12.4.2 and §12.5.1)."""

import re
from collections.abc import Iterable, Sequence

_RANGE = re.compile(r"\s*([\w!#$&^.+-]+|\*)/([\w!#$&^.+-]+|\*)\s*((?:;[^;]*)*)", re.ASCII)
_QUALITY = re.compile(r"\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", re.ASCII | re.IGNORECASE)
_MAX_RANGES = 100


def preferred(fields: Iterable[str], offered: Sequence[str]) -> str | None:
    """The offered media type that the `Accept` fields value most; of equal ones the first; None: none is wanted.

    Without a field, or where none of it can be read, everything is.
    """
    ranges = [found for part in ",".join(fields).split(",")[:_MAX_RANGES] if (found := _read(part)) is not None]
    if not ranges:
        return offered[0]
    best = max(offered, key=lambda media_type: _quality(ranges, media_type))
    return best if _quality(ranges, best) > 0 else None


def _read(part: str) -> tuple[str, float] | None:
    """A media range in lower case with its quality; None for what is not one."""
    found = _RANGE.fullmatch(part)
    if found is None or (found[1] == "*" and found[2] != "*"):
        return None
    for parameter in found[3].split(";")[1:]:
        if parameter.strip().lower().startswith("q"):
            quality = _QUALITY.fullmatch(parameter)
            return None if quality is None else (f"{found[1]}/{found[2]}".lower(), float(quality[1]))
    return f"{found[1]}/{found[2]}".lower(), 1.0


def _quality(ranges: Sequence[tuple[str, float]], media_type: str) -> float:
    """By the most specific range that covers the type."""
    for pattern in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        found = [quality for range, quality in ranges if range == pattern]
        if found:
            return max(found)
    return 0.0
