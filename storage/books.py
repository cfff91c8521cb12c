"""The queries of reconciliation."""

from collections.abc import Collection

from sqlalchemy.sql.elements import ColumnElement

from payments import Entry, State
from storage.entries import entries, entry_of
from storage.schema import payments
from storage.store import Store

CHUNK_SIZE = 500
"""References per statement; databases limit the number of parameters."""

_row = payments.c


class SqlBooks(Store):
    """`payments.reconciliation.Books` on SQLite or PostgreSQL."""

    async def settled_between(self, rail: str, since: float, until: float) -> list[Entry]:
        """SETTLED entries of a rail with `since` <= settled_at < `until`, unix seconds."""
        period = (_row.settled_at >= since) & (_row.settled_at < until)
        return await self._found((_row.rail == rail) & (_row.state == State.SETTLED) & period)

    async def known_by(self, rail: str, references: Collection[str]) -> list[Entry]:
        """Entries of a rail, in any state, whose transaction hash or id is in `references`."""
        found, wanted = [], list(references)
        for start in range(0, len(wanted), CHUNK_SIZE):
            some = wanted[start : start + CHUNK_SIZE]
            found += await self._found((_row.rail == rail) & (_row.transaction_hash.in_(some) | _row.id.in_(some)))
        return found

    async def _found(self, where: ColumnElement[bool]) -> list[Entry]:
        return [entry_of(row) for row in await self._database.reads.rows(entries(where, self._database.now))]
