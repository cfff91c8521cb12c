"""`payments list | show | export`: the payments in the ledger."""

import asyncio
import csv
import sys
from collections.abc import AsyncIterator
from contextlib import nullcontext
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from ops.access import AsJson, RailName, fail, ledger, print_json, screen, told
from ops.books import Line, facts
from ops.periods import Since, Until, period
from storage import Record, RecordState, SqlRecords, Wanted

SETTLED = [RecordState.NOT_FINAL, RecordState.FINAL]
_SHOWN = ("time", "state", "rail", "asset", "model", "amount", "payer", "transaction")

app = typer.Typer(no_args_is_help=True, help="Payments in the ledger: list them, show one, export the books as CSV.")
Payer = Annotated[str | None, typer.Option(help="Only payments of this address.")]
States = Annotated[
    list[RecordState] | None,
    typer.Option("--state", help="Only in this state; repeat it for several. Abandoned payments moved no money."),
]


@app.command("list")
def list_(
    since: Since = "24h",
    until: Until = "now",
    state: States = None,
    rail: RailName = None,
    payer: Payer = None,
    limit: Annotated[int, typer.Option(min=1, help="The number of payments, the latest ones.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List payments of a period, oldest first.

    Settled payments count by the time of settlement, others by the start of their settlement or the end of their claim.

      python -m ops payments list --since 7d --state in-doubt
    """
    wanted = _wanted(since, until, state, rail, payer)

    async def read() -> list[Record]:
        async with ledger() as database:
            return await SqlRecords(database).latest(wanted, limit)

    with told():
        records = asyncio.run(read())
    if as_json:
        print_json([facts(record) for record in records])
        return
    table = Table(*_SHOWN, box=None, pad_edge=False)
    for record in records:
        line = asdict(Line.of(record))
        table.add_row(*(line[name] for name in _SHOWN))
    screen().print(table)
    if len(records) == limit:
        typer.echo(f"The latest {limit} payments. For more: --limit or `python -m ops payments export`.", err=True)


@app.command()
def show(
    reference: Annotated[str, typer.Argument(help="A payment's id, or the hash of the transaction that paid.")],
    as_json: AsJson = False,
) -> None:
    """Show the ledger's record of one payment. The payer's signature is never shown."""

    async def read() -> list[Record]:
        async with ledger() as database:
            return await SqlRecords(database).find(reference)

    with told():
        records = asyncio.run(read())
    if not records:
        fail(
            "This ledger has no payment with this id or transaction. It may be in another ledger, or not be a payment."
        )
    if as_json:
        print_json([facts(record) for record in records])
        return
    for record in records:
        table = Table(show_header=False, box=None, pad_edge=False)
        for name, value in facts(record).items():
            table.add_row(name, str(value))
        screen().print(table)


@app.command()
def export(
    since: Since = "30d",
    until: Until = "now",
    state: States = None,
    rail: RailName = None,
    payer: Payer = None,
    out: Annotated[Path | None, typer.Option(help="A new file. Default: standard output.")] = None,
) -> None:
    """Write the settled payments as CSV, one per line, oldest first.

    amount_base_units is exact; amount is the same in tokens. Times are UTC. A settlement that the chain could still
    drop is in state not-final.

      python -m ops payments export --since 2026-11-01 --until 2026-12-01 --out november.csv
    """
    wanted = _wanted(since, until, state or SETTLED, rail, payer)

    async def write() -> int:
        written = 0
        async with ledger() as database:
            with nullcontext(sys.stdout) if out is None else out.open("x", newline="") as file:
                table = csv.writer(file, lineterminator="\n")
                table.writerow([column.name for column in fields(Line)])
                async for record in _all(SqlRecords(database), wanted):
                    table.writerow(asdict(Line.of(record)).values())
                    written += 1
        return written

    with told():
        try:
            written = asyncio.run(write())
        except OSError as error:
            fail(f"{out} cannot be written: {error.strerror}.")
    typer.echo(f"{written} payments.", err=True)


async def _all(records: SqlRecords, wanted: Wanted) -> AsyncIterator[Record]:
    """All wanted records, read page by page, because a year's may not fit into memory."""
    last: Record | None = None
    while page := await records.page(wanted, after=last):
        for record in page:
            yield record
        last = page[-1]


def _wanted(since: str, until: str, state: list[RecordState] | None, rail: str | None, payer: str | None) -> Wanted:
    first, end = period(since, until)
    states = frozenset(state or set(RecordState) - {RecordState.ABANDONED})
    return Wanted(since=first, until=end, states=states, rail=rail, payer=payer)
