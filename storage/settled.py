"""The queries for settlements that are not yet final."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import Float, and_, bindparam, case, null, type_coerce, update
from sqlalchemy.sql.elements import ColumnElement

from payments import RAW, Entry, Payment, State
from storage.database import Database
from storage.entries import entries, entry_of
from storage.schema import not_final, payments
from storage.store import Store

FIRST_RECHECK_S = 10.0
"""Time from the settlement to the first recheck, and minimum interval between rechecks. A Tempo transaction is valid
for 25 seconds after signing: a dropped one must be detected while it can still be sent again."""
MAX_RECHECK_INTERVAL_S = 86_400.0

_row = payments.c


class SqlSettled(Store):
    """A `payments.finality.Settled` on SQLite or PostgreSQL."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        now = database.now
        age = now - type_coerce(_row.settled_at, Float)
        pause = case(
            (age < FIRST_RECHECK_S, FIRST_RECHECK_S), (age > MAX_RECHECK_INTERVAL_S, MAX_RECHECK_INTERVAL_S), else_=age
        )
        is_due = (_row.id == bindparam("is_id", type_=_row.id.type)) & not_final & (_row.recheck_at <= now)
        self._begin_recheck = update(payments).where(is_due).values(recheck_at=now + pause)  # built once

    async def due(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLED entries of these rails that are not final and due for a recheck, longest due first."""
        wanted = not_final & _row.rail.in_(rails) & (_row.recheck_at <= self._database.now)
        statement = entries(wanted, self._database.now).order_by(_row.recheck_at).limit(limit)
        return [entry_of(row) for row in await self._database.reads.rows(statement)]

    async def begin_recheck(self, payment_id: str) -> bool:
        """Start a recheck and schedule the next one after the settlement's age. Returns False if another process has
        started it or the settlement is final. Each recheck costs several RPC calls, so they are rare."""
        return await self._database.run(self._begin_recheck, is_id=payment_id) == 1

    async def final(self, payment: Payment) -> bool:
        """Mark a settlement as final and delete its stored signed transaction. Returns False if it was final or is no
        longer SETTLED."""
        kept = {name: value for name, value in payment.evidence.items() if name != RAW}
        return await self._change(payment.id, final_at=self._database.now, evidence=kept)

    async def lost(self, payment_id: str) -> bool:
        """SETTLED → SETTLING and in doubt: the chain dropped the settlement. Returns False if it was final or is no
        longer SETTLED. The number of deliveries is kept."""
        return await self._change(
            payment_id,
            state=State.SETTLING,
            holder="",
            lease_until=self._database.now,
            settling_since=self._database.now,
            receipt=null(),
            settled_at=None,
            recheck_at=None,
        )

    async def _change(self, payment_id: str, *where: ColumnElement[bool], **values: Any) -> bool:
        changed = update(payments).where(and_(_row.id == payment_id, not_final, *where)).values(**values)
        return await self._database.run(changed) == 1
