"""Findings of a diagnosis, for the operator. They are not public, unlike a rail's health."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """Severity of a finding."""

    GOOD = "good"
    WARNING = "warning"
    """The service sells, but needs attention."""
    FAULT = "fault"
    """The service does not sell, or will soon stop."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One result.

    Attributes:
        part: the examined part, in a word or two.
        says: the result; contains no secret, and a URL only by its position in the settings.
        remedy: how to fix it; "" if there is nothing to fix.
        settings: dotted names of the settings to change; a rail omits its section.
    """

    part: str
    level: Level
    says: str
    remedy: str = ""
    settings: tuple[str, ...] = ()


def good(part: str, says: str) -> Finding:
    """A finding without a fault."""
    return Finding(part, Level.GOOD, says)


def warning(part: str, says: str, remedy: str, *settings: str) -> Finding:
    """A finding that needs attention."""
    return Finding(part, Level.WARNING, says, remedy, settings)


def fault(part: str, says: str, remedy: str, *settings: str) -> Finding:
    """A finding that must be fixed."""
    return Finding(part, Level.FAULT, says, remedy, settings)
