"""`backup` and `restore`: copy the ledger while the service sells, and restore a copy."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from config import load
from ops.access import Yes, confirm, ledger, told
from ops.periods import iso
from storage import RecordState, SqlRecords, Wanted, back_up, migrate
from storage import restore as put_back

_SETTLED = Wanted(states=frozenset({RecordState.NOT_FINAL, RecordState.FINAL}))
RESENT = """Answers to a payment that is sent again now:
  settled before the back-up: its image again, 20 times within 24 hours
  settled after the back-up: 409 payment_spent_elsewhere, charged: true; never a second charge. It bought an image:
    refund it if none was delivered
  in doubt at the back-up: the chain decides
  claimed or unknown at the back-up: a sale, unless the chain shows that it was used"""


def backup(file: Annotated[Path, typer.Argument(help="A new file, on another disk or host.")]) -> None:
    """Copy the ledger to a file, while the service sells.

    SQLite's own backup interface copies a SQLite ledger (never use cp). pg_dump copies a PostgreSQL ledger; install it
    first, because the service's image does not contain it. Keep the copy secret like the ledger: it holds payers and
    amounts.
    """

    async def identify() -> str:
        async with ledger() as database:
            return await database.identify()

    with told():
        identity = asyncio.run(identify())
        back_up(load().ledger_url(), file)
    typer.echo(f"{file} is a copy of ledger {identity}.")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A copy that `backup` made.")],
    other_ledger: Annotated[
        bool, typer.Option("--other-ledger", help="Replace a ledger that the copy was not made from.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Replace the ledger by a copy. First stop every service that uses the ledger: `drain`.

    SQLite: the existing file is kept under another name. PostgreSQL: pg_restore writes into an empty database. Then the
    tables are migrated to this version's schema.
    """

    async def put() -> None:
        url = load().ledger_url()
        confirm(f"Replace the ledger of the settings by {file}?", yes=yes)
        kept = await put_back(url, file, other_ledger=other_ledger)
        if kept:
            typer.echo(f"The previous file is now {kept}.")
        await migrate(url)
        await _report()

    with told():
        asyncio.run(put())


async def _report() -> None:
    async with ledger() as database:
        typer.echo(f"{database.place} holds ledger {await database.identify()}.")
        latest = await SqlRecords(database).latest(_SETTLED, 1)
    typer.echo(RESENT)
    since = iso(latest[0].at) if latest else "THE_BACK_UP"
    typer.echo("When the service runs again, list the payments that are missing from this ledger:")
    typer.echo(f"  python -m ops reconcile --since {since}")
