"""What a look at a part of the service found, in an operator's words: not public, unlike a rail's health."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    GOOD = "good"
    WARNING = "warning"
    """It sells, but needs attention."""
    FAULT = "fault"
    """It does not sell, or not for long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One look.

    Attributes:
        part: what was looked at, in a word or two.
        says: what was found; never a secret, nor more of a URL than its place in the settings.
        remedy: what puts it right; "" where nothing has to be.
        settings: dotted names of the settings that the remedy is about; a rail names its own without its section.
    """

    part: str
    level: Level
    says: str
    remedy: str = ""
    settings: tuple[str, ...] = ()


def good(part: str, says: str) -> Finding:
    """Nothing has to be done."""
    return Finding(part, Level.GOOD, says)


def warning(part: str, says: str, remedy: str, *settings: str) -> Finding:
    """Somebody should look."""
    return Finding(part, Level.WARNING, says, remedy, settings)


def fault(part: str, says: str, remedy: str, *settings: str) -> Finding:
    """It has to be put right."""
    return Finding(part, Level.FAULT, says, remedy, settings)
