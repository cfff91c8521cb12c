"""`backup` and `restore`: a copy of the ledger, made while the service sells, and put back."""

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
RESENT = """What a payment that is sent again now gets:
  settled before the back-up: its image again, 20 times within 24 hours
  settled after it: 409 payment_spent_elsewhere, charged: true; never a second charge. It has bought an image: refund
    where none was delivered
  in doubt at the back-up: the chain is asked
  claimed at the back-up, or not known then: a sale, unless the chain shows it as used"""


def backup(file: Annotated[Path, typer.Argument(help="A new file, on another disk or host.")]) -> None:
    """Copy the ledger to a file, while the service sells.

    A SQLite ledger is copied by SQLite's own backup interface (never use cp), a PostgreSQL one by pg_dump, which has to
    be installed: the service's image does not hold it. Keep the copy as secret as the ledger: it says who paid what.
    """

    async def identify() -> str:
        async with ledger() as database:
            return await database.identify()

    with told():
        identity = asyncio.run(identify())
        back_up(load().ledger_url(), file)
    typer.echo(f"{file} is a copy of ledger {identity}.")


def restore(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="What `backup` made.")],
    other_ledger: Annotated[
        bool, typer.Option("--other-ledger", help="Replace another ledger than the one that was copied.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Put a copy in the ledger's place. Stop every service that uses the ledger first: `drain`.

    SQLite: the file that is there is kept under another name. PostgreSQL: into an empty database, by pg_restore. Then
    the tables are brought to this version's schema.
    """

    async def put() -> None:
        url = load().ledger_url()
        confirm(f"Put {file} in the place of the ledger that the settings name?", yes=yes)
        kept = await put_back(url, file, other_ledger=other_ledger)
        if kept:
            typer.echo(f"What was there is now {kept}.")
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
    typer.echo("When the service runs again, see what this ledger does not know:")
    typer.echo(f"  python -m ops reconcile --since {since}")
