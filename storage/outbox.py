"""The outbox in SQL: a transaction is recorded, changed and forgotten by single statements."""

from dataclasses import asdict

from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from payments.outbox import Sent
from storage.clock import DatabaseTime
from storage.database import Database
from storage.schema import transactions

_row = transactions.c


class SqlOutbox:
    """A `payments.outbox.Outbox` on SQLite or PostgreSQL.

    Args:
        database: shared with everything that stores; its owner closes it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, sent: Sent, *, not_after: float) -> bool:
        """Write a new transaction down; False, and nothing is written, when its nonce has a record already or when it
        is later than `not_after` by the database's clock.

        A process that stood still finds out here: the clock is read by the statement that writes.
        """
        values = asdict(sent)
        row = select(*(literal(value, _row[name].type) for name, value in values.items()))
        in_time = row.where(DatabaseTime() < not_after)
        try:
            return await self._database.run(insert(transactions).from_select(list(values), in_time)) == 1
        except IntegrityError:
            return False

    async def renew(self, old: Sent, new: Sent) -> bool:
        """Put another attempt in place of `old`; False when that is not the latest one any more."""
        return await self._database.run(update(transactions).where(_is(old)).values(asdict(new))) == 1

    async def withdraw(self, sent: Sent) -> bool:
        """Forget a transaction that is nowhere; False when `sent` is not the latest attempt any more."""
        return await self._database.run(delete(transactions).where(_is(sent))) == 1

    async def of(self, reference: str) -> list[Sent]:
        """The transactions of a payment."""
        return await self._found(_row.reference == reference)

    async def senders(self, chain_id: int) -> list[str]:
        """Whose transactions are recorded."""
        rows = await self._database.rows(select(_row.sender).where(_row.chain_id == chain_id).distinct())
        return [row.sender for row in rows]

    async def since(self, chain_id: int, sender: str, nonce: int) -> list[Sent]:
        """A sender's transactions from this nonce on, in their order."""
        return await self._found((_row.chain_id == chain_id) & (_row.sender == sender) & (_row.nonce >= nonce))

    async def forget(self, chain_id: int, sender: str, *, below: int) -> None:
        """Delete a sender's transactions below this nonce: they are in blocks, or others are in their place."""
        done = (_row.chain_id == chain_id) & (_row.sender == sender) & (_row.nonce < below)
        await self._database.run(delete(transactions).where(done))

    async def _found(self, where: ColumnElement[bool]) -> list[Sent]:
        rows = await self._database.rows(select(transactions).where(where).order_by(_row.nonce))
        return [Sent(**row._mapping) for row in rows]


def _is(sent: Sent) -> ColumnElement[bool]:
    """The record, as long as this attempt is its latest."""
    return (
        (_row.chain_id == sent.chain_id)
        & (_row.sender == sent.sender)
        & (_row.nonce == sent.nonce)
        & (_row.attempt == sent.attempt)
        & (_row.hash == sent.hash)
    )
