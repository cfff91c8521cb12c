"""Periods as an operator writes them: dates, times, or how long ago."""

import math
import re
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

Since = Annotated[
    str,
    typer.Option(help="Beginning, included: 2026-11-01, 2026-11-01T12:00 (UTC unless it has a zone), or 12h, 30d ago."),
]
Until = Annotated[str, typer.Option(help="End, not included; written as --since is.")]

_AGO = re.compile(r"(\d+)([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def moment(text: str) -> float:
    """Unix seconds; `now` is no end, whatever the ledger's clock says.

    Raises:
        typer.BadParameter: it is neither a date, a time nor how long ago.
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
    """Both ends in unix seconds.

    Raises:
        typer.BadParameter: one of them cannot be read, or the end comes before the beginning.
    """
    first, end = moment(since), moment(until)
    if end <= first:
        raise typer.BadParameter("--until must be later than --since")
    return first, end


def iso(at: float | None) -> str:
    """Unix seconds as 2026-11-30T08:15:43Z; nothing for None and for no end."""
    return "" if at is None or at == math.inf else datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
