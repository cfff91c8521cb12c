"""Periods as an operator writes them: dates, times, or durations before now."""

import math
import re
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

Since = Annotated[
    str,
    typer.Option(help="Start, included: 2026-11-01, 2026-11-01T12:00 (UTC unless it has a zone), or 12h, 30d ago."),
]
Until = Annotated[str, typer.Option(help="End, not included, in the same format as --since.")]

_AGO = re.compile(r"(\d+)([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> float:
    """Unix seconds; infinite for `now`, because the ledger's clock may be ahead.

    Raises:
        typer.BadParameter: it is neither a date, a time nor a duration.
    """
    if text == "now":
        return math.inf
    if ago := _AGO.fullmatch(text):
        return time.time() - int(ago[1]) * _SECONDS[ago[2]]
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} must be like 2026-11-01, 2026-11-01T12:00, 90m, 12h, 30d or 4w") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def period(since: str, until: str) -> tuple[float, float]:
    """Start and end in unix seconds.

    Raises:
        typer.BadParameter: one of them is invalid, or the end is not after the start.
    """
    first, end = moment(since), moment(until)
    if end <= first:
        raise typer.BadParameter("--until must be later than --since")
    return first, end


def iso(at: float | None) -> str:
    """Unix seconds as 2026-11-30T08:15:43Z; empty for None and for infinity."""
    return "" if at is None or at == math.inf else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
