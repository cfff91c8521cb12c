"""`reconcile`: the ledger and the chains compared."""

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
    "no_transfer": "settled in the ledger, and the chain shows no transfer",
    "no_row": "a transfer to your address that this ledger does not know",
    "not_settled": "a transfer whose payment is not settled: the service ends this soon, replay-doubt at once",
    "amount": "ledger and chain say different amounts",
    "payer": "ledger and chain say different payers",
    "two_transfers": "a second transfer for one payment",
    "two_rows": "a payment that has another payment's transfer",
}


def reconcile(since: Since = "24h", until: Until = "10m", rail: RailName = None, as_json: AsJson = False) -> None:
    """Compare the ledger with the chains, both ways, and show each difference. Exit code 1 if there is one.

    Reads every transfer to your addresses in the period, in steps of 500 blocks: a day takes some hundred calls to each
    RPC endpoint. End it some minutes ago, because what is settling now is in one of both only.

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
