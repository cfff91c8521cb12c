"""The campaign's output: a table, faults.json, and the histories of payments that broke a promise."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.audit import MUST_BE_ZERO
from tests.faults.history import told
from tests.faults.leg_run import Result, rows_of

STORIES_AT_MOST = 50


def totals(results: Sequence[Result]) -> Counter[str]:
    """All columns over all legs, zeros included."""
    total: Counter[str] = Counter()
    for result in results:
        for name, number in result.findings.columns.items():
            total[name] += number
    return total


def passed(results: Sequence[Result]) -> bool:
    """Whether no promise was broken and everything was exercised, in at least one leg."""
    return bool(results) and all(result.passed for result in results)


def show(console: Console, results: Sequence[Result]) -> None:
    """The table: a column for each leg, and the sum."""
    total = totals(results)
    table = Table("", *(result.leg for result in results), "all", title="Fault campaign")
    for name in total:
        numbers = [str(result.findings.columns.get(name, 0)) for result in results]
        style = ("red" if total[name] else "green") if name in MUST_BE_ZERO else None
        table.add_row(name, *numbers, str(total[name]), style=style)
    console.print(table)
    for title, attribute in (
        ("Faults", "faults"),
        ("Processes", "process_faults"),
        ("Clients", "manners"),
        ("Answers", "statuses"),
    ):
        counted: Counter[str] = sum((getattr(result, attribute) for result in results), Counter())
        console.print(f"[bold]{title}:[/bold] " + ", ".join(f"{name} {counted[name]}" for name in sorted(counted)))
    for result in results:
        _show_leg(console, result)


def _show_leg(console: Console, result: Result) -> None:
    console.print(f"Seconds of {result.leg}: " + ", ".join(f"{name} {s:.0f}" for name, s in result.seconds.items()))
    if result.coverage is not None:
        met = ", ".join(f"{name} {n}" for name, n in asdict(result.coverage).items() if n is not None)
        console.print(f"Met by {result.leg}: {met}")
    for name, end in rows_of(result.cases):
        if not end.startswith("delivered"):
            console.print(f"{result.leg}: {name}: {end}", style="red")
    for missed in result.not_exercised():
        console.print(f"{result.leg}: not exercised: {missed}", style="red")
    for line in [*result.ledger_differences[:10], *(f"orphaned {row}" for row in result.orphans[:3])]:
        console.print(f"{result.leg}: {line}")


def write(folder: Path, results: Sequence[Result], told_with: dict[str, Any]) -> Path:
    """Write faults.json into the folder; gives its path."""
    folder.mkdir(exist_ok=True)
    path = folder / "faults.json"
    legs = {
        result.leg: {
            **result.findings.columns,
            "passed": result.passed,
            "not_exercised": result.not_exercised(),
            "met": result.coverage and asdict(result.coverage),
            "cases": dict(rows_of(result.cases)),
            "seconds": result.seconds,
            "faults": result.faults,
            "process_faults": result.process_faults,
            "clients": result.manners,
            "answers": result.statuses,
            "ledger_differences": result.ledger_differences,
            "orphans": result.orphans,
        }
        for result in results
    }
    path.write_text(json.dumps({**told_with, **totals(results), "legs": legs}, indent=2) + "\n")
    return path


def write_stories(folder: Path, results: Sequence[Result]) -> Path | None:
    """Write all that is known of the payments that broke a promise; None when there is none."""
    stories = {
        f"{result.leg}: {name}": [told(payment, result.history) for payment in offenders[:STORIES_AT_MOST]]
        for result in results
        for name, offenders in result.findings.offenders.items()
        if offenders
    }
    if not stories:
        return None
    path = folder / "faults-offenders.json"
    path.write_text(json.dumps(stories, indent=2) + "\n")
    return path
