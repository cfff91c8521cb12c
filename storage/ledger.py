"""The ledger in SQL: each state transition is one statement, so the database decides every race."""

from collections.abc import Collection
from dataclasses import asdict
from secrets import token_hex
from typing import Any

from sqlalchemy import Select, delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from errors import FundsUnderWay, PaymentState, PaymentUsed
from payments import MAX_IN_FLIGHT_WITHOUT_BALANCE, Claim, Entry, Payment, Receipt, Sold, State
from storage.database import Database
from storage.entries import columns, entries, entry_of, sold_columns
from storage.sale_statements import SaleStatements, abandoned, new
from storage.schema import in_doubt, locks, payments
from storage.store import Store

_row = payments.c
CHUNK_SIZE = 500
"""Claims per statement; databases limit the number of parameters."""
_MAX_COVERED = 1_000_000
"""More than any payer's payments in progress, and within every database's integer range."""


class SqlLedger(Store):
    """A `payments.ledger.Ledger` on SQLite or PostgreSQL.

    Leases are written and checked with the database's clock, inside the statement that depends on them. So the hosts'
    clocks do not matter, and a process that was suspended detects that its lease has expired.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self._sale = SaleStatements(database)

    async def find(self, payment_id: str) -> Entry | None:
        """The entry of a payment, if any."""
        row = await self._database.reads.first(self._sale.find, wanted=payment_id)
        return None if row is None else entry_of(row)

    async def find_purchase(self, purchase: str) -> Entry | None:
        """The entry of a purchase (the payer's idempotency key), if any."""
        row = await self._database.reads.first(self._entries(_row.purchase == purchase))
        return None if row is None else entry_of(row)

    async def find_receipt(self, receipt_id: str) -> Entry | None:
        """The SETTLED payment whose receipt has this id."""
        settled = (_row.receipt_id == receipt_id) & (_row.state == State.SETTLED)
        row = await self._database.reads.first(self._entries(settled))
        return None if row is None else entry_of(row)

    async def free_purchase(self, purchase: str, *, at_most: int, not_after_s: float) -> bool:
        """Release a purchase's key from a SETTLED payment whose re-deliveries have reached the limit in number or age
        (seconds since settlement). Returns False while the payment keeps it."""
        over = (_row.deliveries >= at_most) | (_row.settled_at <= self._database.now - not_after_s)
        return await self._change((_row.purchase == purchase) & (_row.state == State.SETTLED) & over, purchase=None)

    async def claim(
        self,
        payment: Payment,
        *,
        seen: Entry | None,
        fingerprint: str,
        order_digest: str,
        lease_s: float,
        purchase: str | None = None,
        product: str | None = None,
    ) -> Claim | None:
        """Claim a payment that has not changed since it was looked up. Returns None if it has changed, or if another
        payment holds the purchase's key.

        PostgreSQL may let two payments of one payer that arrive within milliseconds both pass the limit on payments in
        progress. This limits unpaid work, not money.

        Raises:
            PaymentUsed: its transaction belongs to another payment id.
            FundsUnderWay: the payer has too many payments in progress.
        """
        claim = Claim(payment.id, token_hex(16))
        if purchase is not None:
            silent = (_row.purchase == purchase) & abandoned(self._database.now)
            await self._change(silent, purchase=None)
        values = columns(payment) | {
            "fingerprint": fingerprint,
            "order_digest": order_digest,
            "holder": claim.holder,
            "purchase": purchase,
            "product": product,
        }
        try:
            # Not flushed: after a power cut nobody works on the claim, and no money has moved.
            # `begin_settlement` flushes the claim too.
            taken = await self._database.forgetful.first(
                self._sale.claim,
                **new(values),
                lease_s=lease_s,
                covered=_covered(payment),
                seen_holder=seen.holder if seen else "",
            )
        except IntegrityError as exc:
            # PostgreSQL may find a concurrent copy by its transaction before its id.
            if not await self._is_unchanged(seen, payment.id) or await self._holds(purchase):
                return None
            raise await self._used(payment) from exc
        if taken is None and await self._is_unchanged(seen, payment.id):
            raise FundsUnderWay()
        return claim if taken else None

    async def renew(self, claims: Collection[Claim], *, lease_s: float) -> set[Claim]:
        """Extend the current leases of CLAIMED payments for their holders. Returns the claims that are still held."""
        kept: set[Claim] = set()
        wanted = list(claims)
        for start in range(0, len(wanted), CHUNK_SIZE):
            some = wanted[start : start + CHUNK_SIZE]
            rows = await self._database.forgetful.rows(
                self._sale.renew,
                are_ids=[each.payment_id for each in some],
                are_holders=[each.holder for each in some],
                lease_s=lease_s,
            )
            kept |= {Claim(row.id, row.holder) for row in rows}
        return kept

    async def begin_settlement(self, claim: Claim, *, lease_s: float, sold: Sold | None = None) -> float | None:
        """CLAIMED → SETTLING, only for the holder and while its lease is valid. Returns the end of the new lease in
        unix seconds by the ledger's clock; None if the claim was lost."""
        values = _held_by(claim) | new(sold_columns(sold))
        row = await self._database.settling.first(self._sale.begin_settlement, **values, lease_s=lease_s)
        return None if row is None else row.lease_until

    async def settled(self, payment_id: str, receipt: Receipt) -> bool:
        """SETTLING → SETTLED. Returns False if it was not SETTLING."""
        return await self._database.settling.run(self._sale.settled, is_id=payment_id, paid=asdict(receipt)) == 1

    async def release(self, claim: Claim) -> bool:
        """Abandon a payment that provably moved no money; only for the holder, never from SETTLED."""
        # With the settlements' priority: it ends one and allows the payer's next payment.
        return await self._settling(_held(claim, State.CLAIMED, State.SETTLING), **self._abandon())

    async def refuse(self, payment_id: str, rail: str) -> bool:
        """Record that an unknown or abandoned payment was refused. Returns False if it is held or may have moved money.
        The conflict on its id decides every race with a claim."""
        values = {"of_id": payment_id, "of_rail": rail, "by_nobody": token_hex(16)}
        return await self._database.forgetful.first(self._sale.refuse, **values) is not None

    async def take_over(self, payment_id: str, *, lease_s: float) -> Claim | None:
        """Become the holder of a SETTLING payment whose lease has expired. Returns None if another process did it."""
        now, claim = self._database.now, Claim(payment_id, token_hex(16))
        silent = (_row.id == payment_id) & (_row.state == State.SETTLING) & (_row.lease_until <= now)
        return claim if await self._settling(silent, holder=claim.holder, lease_until=now + lease_s) else None

    async def mark_unresolved(self, claim: Claim) -> None:
        """End the holder's lease on a SETTLING payment, so that the next re-send or the resolver can ask the chain."""
        await self._settling(_held(claim, State.SETTLING), lease_until=self._database.now)

    async def count_delivery(self, payment_id: str, *, at_most: int, not_after_s: float) -> bool:
        """Count one re-delivery of a SETTLED payment. Returns False if the limit in number or age (seconds since
        settlement) is reached."""
        entitled = (
            (_row.id == payment_id)
            & (_row.state == State.SETTLED)
            & (_row.deliveries < at_most)
            & (_row.settled_at > self._database.now - not_after_s)
        )
        return await self._change(entitled, deliveries=_row.deliveries + 1)

    async def uncount_delivery(self, payment_id: str) -> None:
        """Undo the count of a re-delivery that failed."""
        await self._change((_row.id == payment_id) & (_row.deliveries > 0), deliveries=_row.deliveries - 1)

    async def in_doubt(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLING entries of these rails with an expired lease, oldest first: the resolver's work."""
        silent = in_doubt & _row.rail.in_(rails) & (_row.lease_until <= self._database.now)
        rows = await self._database.reads.rows(self._entries(silent).order_by(_row.lease_until).limit(limit))
        return [entry_of(row) for row in rows]

    async def forget_abandoned(self, *, silent_s: float) -> int:
        """Delete entries that have been abandoned for at least `silent_s` seconds. Returns their number."""
        return await self._database.run(delete(payments).where(abandoned(self._database.now - silent_s)))

    async def ping(self) -> None:
        """Raise unless a payment can be written now. Writes, because a full or read-only disk can still be read. Also
        raises if the database contains another ledger than at the start."""
        await self._database.check_identity()  # allows statements again after the right ledger is restored
        probe = {"name": "ping", "holder": "", "lease_until": 0.0}
        await self._database.first(self._database.upsert(locks, probe, returning=locks.c.name))
        await self._database.check_identity()  # reads afresh after the write

    def _abandon(self) -> dict[str, Any]:
        """The columns of an abandoned entry. Its new random holder invalidates what others have looked up."""
        return {
            "state": State.CLAIMED,
            "holder": token_hex(16),
            "lease_until": self._database.now,
            "transaction_hash": None,
            "purchase": None,
            **sold_columns(None),
        }

    def _entries(self, where: ColumnElement[bool]) -> Select[Any]:
        return entries(where, self._database.now)

    async def _change(self, where: ColumnElement[bool], **values: Any) -> bool:
        return await self._database.run(update(payments).where(where).values(**values)) == 1

    async def _settling(self, where: ColumnElement[bool], **values: Any) -> bool:
        return await self._database.settling.run(update(payments).where(where).values(**values)) == 1

    async def _used(self, payment: Payment) -> PaymentUsed:
        """The error for a payment whose transaction is known, with that transaction's state."""
        error = PaymentUsed("The transaction of this payment belongs to another payment. Sign a new one.")
        row = await self._database.reads.first(select(_row.state).where(_row.transaction_hash == payment.transaction))
        if row is None:
            return error
        return error.with_payment(PaymentState.SETTLED if row.state == State.SETTLED else PaymentState.IN_FLIGHT)

    async def _holds(self, purchase: str | None) -> bool:
        return purchase is not None and await self.find_purchase(purchase) is not None

    async def _is_unchanged(self, seen: Entry | None, payment_id: str) -> bool:
        """Whether a payment has not changed since it was looked up."""
        entry = await self.find(payment_id)
        if entry is None or seen is None:
            return entry is seen
        return entry.is_abandoned and entry.holder == seen.holder


def _covered(payment: Payment) -> int:
    """Number of payments of this amount that the payer's funds cover."""
    covered = MAX_IN_FLIGHT_WITHOUT_BALANCE if payment.funds is None else payment.funds // payment.amount
    return min(covered, _MAX_COVERED)


def _held_by(claim: Claim) -> dict[str, str]:
    return {"is_id": claim.payment_id, "is_holder": claim.holder}


def _held(claim: Claim, *states: State) -> ColumnElement[bool]:
    return (_row.id == claim.payment_id) & (_row.holder == claim.holder) & _row.state.in_(states)
