"""`reconcile`: compares the ledger with the chains."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

import typer
from rich.table import Table

from config import load
from ops.access import AsJson, RailName, ledger, print_json, rails, screen, selected, told
from ops.periods import Since, Until, iso, period
from payments import Difference
from payments import reconcile as compare
from storage import SqlBooks

_MEANINGS = {
    "no_transfer": "a settled payment without a transfer on the chain",
    "no_row": "a transfer to your address that is not in this ledger",
    "not_settled": "a transfer whose payment is not settled: the service resolves it soon, replay-doubt now",
    "amount": "ledger and chain have different amounts",
    "payer": "ledger and chain have different payers",
    "two_transfers": "a second transfer for one payment",
    "two_rows": "a payment whose receipt names another payment's transfer",
}


def reconcile(since: Since = "24h", until: Until = "10m", rail: RailName = None, as_json: AsJson = False) -> None:
    """Compare the ledger with the chains in both directions and show each difference. Exit code 1 if there is one.

    Reads every transfer to your addresses in the period, in steps of 500 blocks: a day takes several hundred calls to
    each RPC endpoint. End the period some minutes ago, because only one of the two may show a settling payment yet.

      python -m ops reconcile --since 2026-11-29 --until 2026-11-30 --json
    """
    first, end = period(since, until)

    async def run() -> list[Difference]:
        settings = load()
        async with ledger(settings) as database, rails(settings, database) as enabled:
            return await compare(selected(enabled, rail).values(), SqlBooks(database), since=first, until=end)

    with told():
        differences = asyncio.run(run())
    if as_json:
        print_json([asdict(each) for each in differences])
    else:
        _show(differences)
        typer.echo(f"{len(differences)} differences from {iso(first)} to {iso(end) or 'now'}.")
    raise typer.Exit(bool(differences))


def _show(differences: Sequence[Difference]) -> None:
    table = Table("difference", "rail", "payment", "transaction", "ledger", "chain", box=None, pad_edge=False)
    for each in differences:
        table.add_row(each.kind, each.rail, each.payment or "-", each.transaction or "-", each.ledger, each.chain)
    if differences:
        screen().print(table)
    for kind in sorted({each.kind for each in differences}):
        typer.echo(f"{kind}: {_MEANINGS[kind]}")
