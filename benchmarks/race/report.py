"""The figures of a race: medians over the rounds, and ratios to rembg's of the same legs."""

import statistics
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from benchmarks.race.contestants import PAID, PAID_AUTO, REMBG
from benchmarks.race.legs import Leg

LEVELS = (
    ("CPU a picture, paid, fp32, 2 MP", PAID, "2 MP", None, "cpu_s", 0.6),
    ("CPU a picture, paid, fp32, 12 MP", PAID, "12 MP", None, "cpu_s", 0.35),
    ("CPU a picture, paid, auto, 2 MP", PAID_AUTO, "2 MP", None, "cpu_s", 0.45),
    ("CPU a picture, paid, fp32, 2 MP, no grain", PAID, "2 MP, no grain", None, "cpu_s", 0.6),
    ("requests a second, paid, fp32, 16 at a time, 2 MP", PAID, "2 MP", 16, "requests_s", 1.5),
    ("requests a second, paid, fp32, 16 at a time, 12 MP", PAID, "12 MP", 16, "requests_s", 1.5),
    ("peak memory (RSS), paid, fp32, 2 MP, one at a time", PAID, "2 MP", 1, "rss_mb", 1.0),
    ("peak memory (PSS), paid, fp32, 2 MP, one at a time", PAID, "2 MP", 1, "pss_mb", 1.0),
    ("peak memory (RSS), paid, fp32, 12 MP, 16 at a time", PAID, "12 MP", 16, "rss_mb", 1.0),
    ("peak memory (PSS), paid, fp32, 12 MP, 16 at a time", PAID, "12 MP", 16, "pss_mb", 1.0),
)
"""What is compared, with which server, at which size, how many at a time (None: all), and the ratio aimed at."""


def summary(run: Sequence[Leg]) -> dict[str, Any]:
    """Rows by server, size and concurrency, and the levels."""
    groups: dict[tuple[str, str, int], list[Leg]] = {}
    for leg in run:
        groups.setdefault((leg.size, leg.server, leg.concurrency), []).append(leg)
    rows = [_row(legs) for legs in groups.values()]
    levels = {}
    for name, server, size, concurrency, figure, aim in LEVELS:
        ratios = _ratios(rows, server, size, concurrency, figure)
        if ratios:
            levels[name] = {"ratio": round(statistics.median(ratios), 3), "aim": aim}
    return {"rows": rows, "levels": levels}


def _row(legs: list[Leg]) -> dict[str, Any]:
    waits = [each for leg in legs for each in leg.latencies_s]
    return {
        "size": legs[0].size,
        "server": legs[0].server,
        "concurrency": legs[0].concurrency,
        "cpu_s": round(statistics.median(leg.cpu_s for leg in legs), 4),
        "requests_s": round(statistics.median(leg.requests_s for leg in legs), 3),
        "p50_s": round(float(np.percentile(waits, 50)), 3),
        "p95_s": round(float(np.percentile(waits, 95)), 3),
        # Of the first round: later ones begin with what large pictures have left behind.
        "rss_mb": round(legs[0].rss_mb),
        "pss_mb": round(legs[0].pss_mb),
        "requests": len(waits),
    }


def _ratios(rows: list[dict[str, Any]], server: str, size: str, concurrency: int | None, figure: str) -> list[float]:
    """To rembg's figure, at each concurrency."""
    found: dict[tuple[str, int], float] = {
        (row["server"], row["concurrency"]): row[figure]
        for row in rows
        if row["size"] == size and concurrency in {None, row["concurrency"]}
    }
    ours = {at: value for (name, at), value in found.items() if name == server}
    theirs = {at: value for (name, at), value in found.items() if name == REMBG}
    return [ours[at] / theirs[at] for at in ours]


def table(document: dict[str, Any]) -> Table:
    """All rows, and below them the levels."""
    columns = ("size", "at a time", "server", "CPU s", "ratio", "requests/s", "p50 s", "p95 s", "RSS MB", "PSS MB")
    shown = Table(*columns, title=f"load {document['load']['before']} to {document['load']['after']}")
    rows = document["summary"]["rows"]
    theirs = {(row["size"], row["concurrency"]): row["cpu_s"] for row in rows if row["server"] == REMBG}
    for row in rows:
        ratio = row["cpu_s"] / theirs[row["size"], row["concurrency"]]
        figures = (row["requests_s"], row["p50_s"], row["p95_s"], row["rss_mb"], row["pss_mb"])
        name = (row["size"], str(row["concurrency"]), row["server"])
        shown.add_row(*name, f"{row['cpu_s']:.3f}", f"{ratio:.2f}", *map(str, figures))
    shown.add_section()
    for name, level in document["summary"]["levels"].items():
        shown.add_row("", "", name, "", str(level["ratio"]), f"aim {level['aim']}")
    return shown
