"""The ledger's identity, and checks that the database is still the one that this process opened."""

import os
from pathlib import Path

from sqlalchemy import URL, select
from sqlalchemy.ext.asyncio import AsyncConnection

from errors import LedgerUnavailable
from storage.schema import ledger
from storage.threaded import ThreadedConnection

_FILE_GONE = (
    "The ledger's file was removed or replaced while in use. Sales are stopped until the file is restored or the "
    "service is restarted."
)
_WRONG_LEDGER = (
    "The database contains another ledger than the one that this process opened. Sales are stopped until that "
    "ledger is restored or the service is restarted."
)
_CHECKED = "ledger"


class Guard:
    """Checks before each statement that the database is still the one that was opened.

    A SQLite file is compared by device and inode, because a process can write to a file after its removal. Each new
    connection is asked for the ledger's identity, so that a replaced server is detected.
    """

    def __init__(self, url: URL) -> None:
        self.path = path_of(url)
        self.identity: str | None = None
        self._file: tuple[int, int] | None = None
        self._is_wrong = False

    def check(self) -> None:
        """Raise `LedgerUnavailable` unless the file is in place and the last check found the right ledger."""
        if self._is_wrong:
            raise LedgerUnavailable(_WRONG_LEDGER)
        self.check_file()

    def check_file(self) -> None:
        """Raise `LedgerUnavailable` unless the SQLite file is the one that the first statement found."""
        if self.path is None:
            return
        try:
            stat = os.stat(self.path)  # noqa: PTH116 - microseconds, before each statement
        except OSError as exc:
            raise LedgerUnavailable(_FILE_GONE if self._file else "The ledger's file cannot be found.") from exc
        self._file = self._file or (stat.st_dev, stat.st_ino)
        if self._file != (stat.st_dev, stat.st_ino):
            raise LedgerUnavailable(_FILE_GONE)

    async def admit(self, connection: AsyncConnection | ThreadedConnection) -> None:
        """Check the ledger of a new connection. Raises `LedgerUnavailable` if it is another one."""
        # `info` lives as long as the connection.
        known = connection.sync_connection.info if connection.sync_connection else {}
        if self.identity is not None and known.get(_CHECKED) != self.identity:
            self.compare(await read(connection))
            known[_CHECKED] = self.identity

    def compare(self, found: str | None) -> None:
        """Compare the identity that was read. Raises `LedgerUnavailable` if it is another ledger."""
        self._is_wrong = self.identity is not None and found != self.identity
        if self._is_wrong:
            raise LedgerUnavailable(_WRONG_LEDGER)


async def read(connection: AsyncConnection | ThreadedConnection) -> str | None:
    """The identity of the ledger in a connection's database; None if its row is missing."""
    identity: str | None = (await connection.execute(select(ledger.c.id))).scalar()
    return identity


def path_of(url: URL) -> Path | None:
    """The absolute path of a SQLite file; None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database.removeprefix("file:")).absolute()
