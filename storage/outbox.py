"""The outbox in SQL: single statements record, change and delete a transaction."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import BigInteger, Double, Row, Select, String, and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from payments import Hold, Sent, State
from storage.clock import DatabaseTime
from storage.database import Database
from storage.schema import in_doubt, is_in, payments, transactions
from storage.store import Store

_row = transactions.c


class SqlOutbox(Store):
    """A `payments.outbox.Outbox` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        # Prebuilt: building a statement costs more than executing it. Parameters must not be named like columns.
        new = (bindparam(f"new_{column.name}", type_=column.type) for column in _row)
        self._record = insert(transactions).from_select(
            list(_row), select(*new).where(_is_held()).with_for_update(read=True)
        )
        self._of = _ordered(_row.reference == bindparam("of_reference", type_=String()))
        self._since = _ordered(_of_sender() & (_row.nonce >= bindparam("from_nonce", type_=BigInteger())))
        of_chain = _row.chain_id == bindparam("of_chain", type_=BigInteger())
        self._senders = select(_row.sender).where(of_chain).distinct()
        doubted = select(payments.c.id).where(in_doubt)
        below = _row.nonce < bindparam("below_nonce", type_=BigInteger())
        self._forget = delete(transactions).where(_of_sender() & below & _row.reference.not_in(doubted))

    async def record(self, sent: Sent, hold: Hold) -> bool:
        """Record a new transaction. Returns False and writes nothing if its nonce has a record, if the hold has expired
        by the database's clock, or if its holder no longer settles the payment.

        A process that was suspended is stopped here: the same statement reads the clock and the ledger and writes. The
        ledger also detects a clock that was set back.
        """
        values = {f"new_{name}": value for name, value in asdict(sent).items()}
        until = {"is_holder": hold.holder, "not_after": hold.not_after}
        try:
            return await self._database.settling.run(self._record, **values, **until) == 1
        except IntegrityError:
            return False

    async def renew(self, old: Sent, new: Sent) -> bool:
        """Replace `old` with another attempt. Returns False if `old` is no longer the latest."""
        return await self._database.settling.run(update(transactions).where(_is(old)).values(asdict(new))) == 1

    async def withdraw(self, sent: Sent) -> bool:
        """Delete a transaction that no node knows. Returns False if `sent` is no longer the latest attempt."""
        return await self._database.settling.run(delete(transactions).where(_is(sent))) == 1

    async def of(self, reference: str) -> list[Sent]:
        """The transactions of a payment."""
        return [_sent(row) for row in await self._database.reads.rows(self._of, of_reference=reference)]

    async def senders(self, chain_id: int) -> list[str]:
        """The senders with recorded transactions."""
        rows = await self._database.reads.rows(self._senders, of_chain=chain_id)
        return [row.sender for row in rows]

    async def since(self, chain_id: int, sender: str, nonce: int) -> list[Sent]:
        """A sender's transactions from this nonce on, in nonce order."""
        rows = await self._database.reads.rows(self._since, of_chain=chain_id, of_sender=sender, from_nonce=nonce)
        return [_sent(row) for row in rows]

    async def forget(self, chain_id: int, sender: str, *, below: int) -> None:
        """Delete a sender's transactions below this nonce: they or their replacements are in blocks. Those of a payment
        in doubt are kept: they prove that the transaction on the chain is ours."""
        await self._database.run(self._forget, of_chain=chain_id, of_sender=sender, below_nonce=below)


def _is_held() -> ColumnElement[bool]:
    """The payment's row, while the holder settles it and may send. On PostgreSQL the row is locked until the commit."""
    held = payments.c
    return and_(
        held.id == bindparam("new_reference", type_=String()),
        is_in(State.SETTLING),
        held.holder == bindparam("is_holder", type_=String()),
        DatabaseTime() < bindparam("not_after", type_=Double()),
    )


def _ordered(where: ColumnElement[bool]) -> Select[Any]:
    return select(transactions).where(where).order_by(_row.nonce)


def _of_sender() -> ColumnElement[bool]:
    chain, sender = bindparam("of_chain", type_=BigInteger()), bindparam("of_sender", type_=String())
    return (_row.chain_id == chain) & (_row.sender == sender)


def _sent(row: Row[Any]) -> Sent:
    return Sent(**row._mapping)


def _is(sent: Sent) -> ColumnElement[bool]:
    """The record, if this attempt is its latest."""
    return (
        (_row.chain_id == sent.chain_id)
        & (_row.sender == sent.sender)
        & (_row.nonce == sent.nonce)
        & (_row.attempt == sent.attempt)
        & (_row.hash == sent.hash)
    )
