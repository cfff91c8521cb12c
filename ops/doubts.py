"""`replay-doubt`: asks the chains about payments in doubt now."""

import asyncio
from collections import Counter

import typer

from config import load
from ops.access import RailName, Yes, confirm, ledger, rails, selected, told
from payments import Resolver
from storage import Database, RecordState, SqlLedger, SqlRecords, Wanted

_IN_DOUBT = Wanted(states=frozenset({RecordState.IN_DOUBT}))


def replay_doubt(rail: RailName = None, yes: Yes = False) -> None:
    """Ask the chains now about every payment in doubt, as the service does every five seconds.

    Only the chain decides: a payment that moved becomes settled, one that this ledger provably did not move is
    forgotten, and the others stay in doubt. No transaction is created; one that the settlement key has recorded may be
    sent again. Exit code 1 if a payment is still in doubt.
    """

    async def run() -> Counter[str]:
        settings = load()
        async with ledger(settings) as database, rails(settings, database) as enabled:
            asked = selected(enabled, rail)
            waiting = [each for each in await _in_doubt(database) if each[1] in asked]
            if waiting:
                typer.echo(f"{len(waiting)} payments are in doubt.")
                confirm("Ask the chains and record their answers?", yes=yes)
                await Resolver(asked, SqlLedger(database)).resolve(len(waiting))
            return Counter([await _outcome(database, payment) for payment, _ in waiting])

    with told():
        outcomes = asyncio.run(run())
    for outcome, payments in sorted(outcomes.items()):
        typer.echo(f"{payments} {outcome}")
    typer.echo(f"{outcomes.total()} payments checked.")
    raise typer.Exit(bool(outcomes[RecordState.IN_DOUBT]))


async def _in_doubt(database: Database) -> list[tuple[str, str]]:
    """Id and rail of each."""
    found = await SqlRecords(database).page(_IN_DOUBT)
    return [(each.entry.payment.id, each.entry.payment.rail) for each in found]


async def _outcome(database: Database, payment: str) -> str:
    now = [each.state for each in await SqlRecords(database).find(payment) if each.entry.payment.id == payment]
    if not now or now[0] is RecordState.ABANDONED:
        return "not moved by this ledger: forgotten"
    return "settled" if now[0] in {RecordState.NOT_FINAL, RecordState.FINAL} else str(now[0])
