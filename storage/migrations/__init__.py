"""Brings a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import URL, Connection

from errors import LedgerUnavailable
from storage.engine import create_engine, parse, unavailable

_LOCK_KEY = 0x436C656172
"""PostgreSQL's advisory lock; any number that nobody else takes in this database."""


async def migrate(url: str, *, timeout_s: float = 20.0) -> None:
    """Create or upgrade the tables in one transaction; of many processes that start together, one does it.

    Raises:
        LedgerUnavailable: the database does not answer, or a newer version of the service has written it.
        ValueError: the URL names neither a SQLite file nor a PostgreSQL database.
    """
    parsed = parse(url)
    with unavailable():
        _make_folder(parsed)
        engine = create_engine(parsed, timeout_s=timeout_s)
        try:
            async with engine.connect() as connection:
                await connection.run_sync(_upgrade_alone)
        finally:
            await engine.dispose()


def _make_folder(url: URL) -> None:
    if url.get_backend_name() == "sqlite" and url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)


def _upgrade_alone(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql("BEGIN")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK_KEY})")
    # Whatever fails before COMMIT is rolled back when the connection closes.
    _upgrade(connection)
    connection.exec_driver_sql("COMMIT")


def _upgrade(connection: Connection) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise LedgerUnavailable("The ledger was written by a newer version of this service.") from exc
