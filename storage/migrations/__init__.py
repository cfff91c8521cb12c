"""Brings a database to the schema of this version, or back to an earlier one."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import URL, Connection

from errors import LedgerUnavailable
from storage.engine import create_engine, parse, unavailable
from storage.migrations.revisions import VERSIONS, Revisions

_LOCK_KEY = 0x436C656172
"""Key of PostgreSQL's advisory lock; no other user of the database may use it."""


async def migrate(
    url: str, *, to: str | None = None, timeout_s: float = 20.0, folders: Sequence[Path] = (VERSIONS,)
) -> str:
    """Migrate the tables to a revision in one transaction; if several processes start together, one does it.

    A database of a newer version of the service is not changed if that version declares that this one works with it.

    Args:
        to: a revision; at an earlier one the data of later ones is lost. None: the newest, never an earlier one.
        folders: folders of the revisions.

    Returns:
        The revision of the database after that.

    Raises:
        LedgerUnavailable: the database does not respond, or was written by a newer version that this one does not work
            with.
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database; or there is no such revision.
    """
    parsed, revisions = parse(url), Revisions(folders)
    if to is not None:
        revisions.check(to)
    with unavailable():
        _make_folder(parsed)
        engine = create_engine(parsed, timeout_s=timeout_s)
        try:
            async with engine.connect() as connection:
                return await connection.run_sync(partial(_migrate_alone, revisions=revisions, to=to))
        finally:
            await engine.dispose()


def _make_folder(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _migrate_alone(connection: Connection, revisions: Revisions, to: str | None) -> str:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    # An error before COMMIT rolls back when the connection closes.
    revision = _migrate(connection, revisions, to)
    connection.exec_driver_sql("COMMIT")
    return revision


def _migrate(connection: Connection, revisions: Revisions, to: str | None) -> str:
    found = revisions.found(connection)
    if found is None or found in revisions:
        return revisions.run(connection, found, to or revisions.head)
    if to is None and revisions.works_with(connection, found):
        return found
    raise LedgerUnavailable(
        f"The ledger was written by a newer version of this service: its revision {found} does not work with this "
        f"version, whose newest is {revisions.head}. Use the newer version; it can bring the ledger back to "
        f"{revisions.head} (python -m deploy.migrate --to {revisions.head})."
    )
