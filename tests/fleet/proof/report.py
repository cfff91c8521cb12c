"""What a proof prints and writes: a row for each act, the columns of the audit, and whether it passed."""

import json
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.audit import MUST_BE_ZERO
from tests.faults.history import Call, Payment, told
from tests.fleet.proof.acts import PAIRED, Played
from tests.fleet.proof.load import Purchase
from tests.fleet.proof.run import Result

BY_A_SLOW_MACHINE = frozenset({"402 deadline_unreachable", "503 rail_unavailable", "503 overloaded"})
"""Quotes live for 25 s here, and chains run beside everything else: where other tests run, these come by themselves."""
_STORIES_AT_MOST = 50


@dataclass(frozen=True)
class Row:
    """One act. Durations in seconds; None where there was no sale to measure.

    Attributes:
        calls: with a payment, ended in the act: those under way when it strikes are hit by it.
        failed: of them those that brought no picture, by status and code.
        details: what their answers said.
        settled: payments that moved in the act's time.
        lost: columns of the audit that must be 0 and are not, for payments signed in the act.
        without_a_sale_s: the longest time between two pictures that buyers got.
        back_after_s: from the end of the fault until the member was well.
        p50_s, p95_s: of purchases begun after that, from the first request to the picture.
    """

    act: str
    seconds: float
    calls: int
    failed: dict[str, int]
    details: list[str]
    settled: int
    lost: dict[str, int]
    without_a_sale_s: float
    back_after_s: float
    p50_s: float | None
    p95_s: float | None
    fault: str | None


def rows(result: Result) -> list[Row]:
    """A row for each act that was played."""
    return [_row(result, played) for played in result.played]


def _row(result: Result, played: Played) -> Row:
    began, ended = played.began_at, played.ended_at
    payments = result.history.payments
    calls = [call for payment in payments for call in payment.calls if began <= call.ended_at < ended]
    after = _latencies(result.load.purchases if result.load else (), played.ready_at or ended, ended)
    return Row(
        act=str(played.act),
        seconds=round(ended - began, 1),
        calls=len(calls),
        failed=dict(Counter(_name(call) for call in calls if not call.right)),
        details=sorted({call.detail for call in calls if not call.right and call.detail}),
        settled=sum(began <= transfer.timestamp < ended for each in payments for transfer in each.transfers),
        lost=_lost(result, began, ended),
        without_a_sale_s=round(_longest_gap(payments, began, ended), 1),
        back_after_s=round(max(0.0, played.ready_at - played.healed_at), 1),
        p50_s=round(statistics.median(after), 2) if after else None,
        p95_s=round(_p95(after), 2) if after else None,
        fault=played.failed,
    )


def _name(call: Call) -> str:
    return f"{call.status} {call.code or ''}".strip() if call.status else call.lost or "given up"


def _lost(result: Result, began: float, ended: float) -> dict[str, int]:
    offenders = result.findings.offenders.items()
    counts = {name: sum(began <= each.signed_at < ended for each in found) for name, found in offenders}
    return {name: count for name, count in counts.items() if count}


def _longest_gap(payments: Sequence[Payment], began: float, ended: float) -> float:
    sales = sorted(call.ended_at for each in payments for call in each.calls if call.right)
    return max(later - earlier for earlier, later in pairwise([began, *_within(sales, began, ended), ended]))


def _within(times: Sequence[float], began: float, ended: float) -> list[float]:
    return [each for each in times if began <= each < ended]


def _latencies(purchases: Sequence[Purchase], since: float, until: float) -> list[float]:
    """Those without a picture count with what they had waited by the end."""
    begun = [each for each in purchases if since <= each.began_at < until]
    return [(each.ended_at or until) - each.began_at for each in begun]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[min(len(values) - 1, round(0.95 * len(values)))]


def faults(result: Result) -> list[str]:
    """Why the proof has not passed, one phrase each; empty where it has."""
    columns = result.findings.columns
    found = [f"{name} {columns[name]}" for name in (*MUST_BE_ZERO, "ledger_differs") if columns.get(name)]
    found += [f"without Retry-After: {name} {count}" for name, count in result.no_retry_after.items()]
    found += [f"{each.act} did not come back: {each.failed}" for each in result.played if each.failed]
    found += [f"{act} was not played" for act in result.not_played]
    found += [f"{act}: failed paid calls: {failed}" for act, failed in _failed_restarts(result).items()]
    return found if columns.get("delivered") else [*found, "nothing was sold"]


def _failed_restarts(result: Result) -> dict[str, dict[str, int]]:
    """Calls that failed while one of a pair was restarted, without what a slow machine answers by itself."""
    forgiven = BY_A_SLOW_MACHINE if result.slow_machine else frozenset[str]()
    found = {
        row.act: {name: count for name, count in row.failed.items() if name not in forgiven}
        for played, row in zip(result.played, rows(result), strict=True)
        if played.act.kind == "restart" and played.act.member in PAIRED
    }
    return {act: failed for act, failed in found.items() if failed}


def show(console: Console, result: Result) -> None:
    """The tables."""
    table = Table(title="Acts", show_lines=False)
    for title in ("act", "s", "calls", "settled", "lost", "no sale for s", "well after s", "p50 s", "p95 s", "failed"):
        table.add_column(title, overflow="fold")
    for row in rows(result):
        table.add_row(
            row.act,
            *map(str, (row.seconds, row.calls, row.settled, row.lost or 0, row.without_a_sale_s, row.back_after_s)),
            *("-" if each is None else f"{each:.2f}" for each in (row.p50_s, row.p95_s)),
            ", ".join(f"{name}: {count}" for name, count in row.failed.items()) or "0",
        )
    console.print(table)
    columns = result.findings.columns
    console.print(", ".join(f"{name} {columns[name]}" for name in columns))
    console.print("Answers: " + ", ".join(f"{name}: {count}" for name, count in sorted(result.statuses.items())))
    if result.load is not None:
        console.print(f"Requests without a quote: {len(result.load.no_quotes)}; turned away: {result.load.turned_away}")
    for line in [*result.ledger_differences[:10], *faults(result)]:
        console.print(line, style="red")
    console.print("passed" if not faults(result) else "failed", style="green" if not faults(result) else "red")


def write(folder: Path, result: Result, told_with: dict[str, Any]) -> Path:
    """Write fleet.json, and fleet-offenders.json with the stories of payments that went wrong; gives the first."""
    folder.mkdir(exist_ok=True)
    path = folder / "fleet.json"
    content = {
        **told_with,
        "passed": not faults(result),
        "faults": faults(result),
        "columns": result.findings.columns,
        "ledger_differences": result.ledger_differences,
        "answers": result.statuses,
        "no_retry_after": result.no_retry_after,
        "no_quotes": len(result.load.no_quotes) if result.load else 0,
        "acts": [vars(row) for row in rows(result)],
    }
    path.write_text(json.dumps(content, indent=2) + "\n")
    stories = {
        name: [told(payment, result.history) for payment in found[:_STORIES_AT_MOST]]
        for name, found in result.findings.offenders.items()
        if found
    }
    if stories:
        (folder / "fleet-offenders.json").write_text(json.dumps(stories, indent=2) + "\n")
    return path
