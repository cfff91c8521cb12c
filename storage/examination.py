"""Examines the ledger's database without changing it or creating a file."""

from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select

from errors import LedgerUnavailable
from storage.clock import DatabaseTime
from storage.engine import create_engine, parse, unavailable
from storage.identity import path_of
from storage.migrations.revisions import own_revisions
from storage.schema import ledger


@dataclass(frozen=True, slots=True)
class Examination:
    """The state of a database.

    Attributes:
        identity: of its ledger; None if it has no tables.
        revision: of its tables; None if it has none.
        head: the revision of this code.
        is_newer: whether its tables are from a newer version.
        time: unix seconds by its clock.
    """

    identity: str | None
    revision: str | None
    head: str
    is_newer: bool
    time: float


async def examine(url: str) -> Examination:
    """Examine a database.

    Raises:
        LedgerUnavailable: it does not respond, or its file does not exist.
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database.
    """
    parsed = parse(url)
    file = path_of(parsed)
    if file is not None and not file.is_file():  # nothing else runs
        raise LedgerUnavailable(f"There is no file {file}.")
    with unavailable():
        engine = create_engine(parsed)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(_look)
        finally:
            await engine.dispose()


def _look(connection: Connection) -> Examination:
    revisions = own_revisions()
    found = revisions.found(connection)
    has_identity = inspect(connection).has_table(ledger.name)
    return Examination(
        identity=connection.execute(select(ledger.c.id)).scalar() if has_identity else None,
        revision=found,
        head=revisions.head,
        is_newer=found is not None and found not in revisions,
        time=connection.execute(select(DatabaseTime())).scalar_one(),
    )
