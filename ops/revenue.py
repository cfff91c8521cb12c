"""`revenue`: revenue by day, rail and model."""

import asyncio
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import typer
from rich.table import Table

from ops.access import AsJson, ledger, print_json, screen, told
from ops.books import coins
from ops.periods import Since, Until, period
from storage import DAY_S, Earned, SqlRecords

_BAR = 50
_PARTS = " ▏▎▍▌▋▊▉█"


def revenue(since: Since = "30d", until: Until = "now", as_json: AsJson = False) -> None:
    """Show the revenue by day (UTC), rail and model, with a chart by day.

    It counts the ledger's settled payments, in dollars; `reconcile` compares them with the chains. A refund is deducted
    on the day of its sale, as soon as it is recorded. Gas is not deducted. The chart shows the net revenue.

      python -m ops revenue --since 2026-11-01 --until 2026-12-01
    """
    first, end = period(since, until)

    async def read() -> list[Earned]:
        async with ledger() as database:
            return await SqlRecords(database).earned(first, end)

    with told():
        earned = asyncio.run(read())
    if as_json:
        print_json([_facts(each) for each in earned])
        return
    table = Table("day", "rail", "model", "payments", "$", "refunded", "net", box=None, pad_edge=False)
    for each in earned:
        table.add_row(*map(str, _facts(each).values()))
    gross, back = sum(each.amount for each in earned), sum(each.refunded for each in earned)
    sums = str(sum(each.payments for each in earned)), coins(gross), coins(back), coins(gross - back)
    table.add_row("all", "", "", *sums)
    screen().print(table)
    for line in chart(earned):
        typer.echo(line)


def chart(earned: Sequence[Earned], columns: int = _BAR) -> Iterator[str]:
    """A bar for each day from the first sale to the last, including days without a sale."""
    days: dict[int, int] = defaultdict(int)
    for each in earned:
        days[each.day] += each.amount - each.refunded
    most = max(days.values(), default=0)
    if most == 0:
        return
    yield ""
    for day in range(min(days), max(days) + 1):
        eighths = days[day] * columns * 8 // most
        bar = _PARTS[8] * (eighths // 8) + _PARTS[eighths % 8].strip()
        yield f"{_date(day)}  {bar:{columns}}  ${coins(days[day])}"


def _facts(earned: Earned) -> dict[str, Any]:
    return {
        "day": _date(earned.day),
        "rail": earned.rail,
        "model": earned.product or "",
        "payments": earned.payments,
        "usd": coins(earned.amount),
        "refunded_usd": coins(earned.refunded),
        "net_usd": coins(earned.amount - earned.refunded),
    }


def _date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_S, UTC).strftime("%Y-%m-%d")
