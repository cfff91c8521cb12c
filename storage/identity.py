"""Which ledger a database holds, and whether it is still the one that this process opened."""

import os
from pathlib import Path

from sqlalchemy import URL, select
from sqlalchemy.ext.asyncio import AsyncConnection

from errors import LedgerUnavailable
from storage.schema import ledger
from storage.threaded import ThreadedConnection

_FILE_GONE = (
    "The ledger's file was removed or replaced while it was in use. Nothing is sold until it is back or the service "
    "has been restarted."
)
_OTHER_LEDGER = (
    "The database holds another ledger than the one that this process opened. Nothing is sold until that is back or "
    "the service has been restarted."
)
_SEEN = "ledger"


class Guard:
    """Lets statements through as long as the database is the one that was opened.

    A SQLite file is compared by device and inode, because a process can go on writing to a file that has no name any
    more. A connection is asked for the ledger's identity when it is new, so a server in another one's place is found.
    """

    def __init__(self, url: URL) -> None:
        self.path = path_of(url)
        self.identity: str | None = None
        self._file: tuple[int, int] | None = None
        self._is_other = False

    def check(self) -> None:
        """Raise `LedgerUnavailable` unless the file is in its place and the last look saw the right ledger."""
        if self._is_other:
            raise LedgerUnavailable(_OTHER_LEDGER)
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
        """Ask a new connection for its ledger. Raises `LedgerUnavailable` when that is another one."""
        # What is noted about a connection lasts as long as that.
        known = connection.sync_connection.info if connection.sync_connection else {}
        if self.identity is not None and known.get(_SEEN) != self.identity:
            self.judge(await read(connection))
            known[_SEEN] = self.identity

    def judge(self, found: str | None) -> None:
        """Compare what a look at the database found. Raises `LedgerUnavailable` when it is another ledger."""
        self._is_other = self.identity is not None and found != self.identity
        if self._is_other:
            raise LedgerUnavailable(_OTHER_LEDGER)


async def read(connection: AsyncConnection | ThreadedConnection) -> str | None:
    """The identity of the ledger that a connection leads to; None when its row is missing."""
    identity: str | None = (await connection.execute(select(ledger.c.id))).scalar()
    return identity


def path_of(url: URL) -> Path | None:
    """The absolute path of a SQLite file; None for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    return Path(url.database.removeprefix("file:")).absolute()
