"""Refunds in SQL: single statements record, finish and withdraw one."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from payments import Refund, State
from storage.schema import is_in, payments, refunds
from storage.store import Store

_row = refunds.c


class SqlRefunds(Store):
    """`payments.refunds.Refunds` on SQLite or PostgreSQL."""

    async def record(self, refund: Refund) -> bool:
        """One statement looks at the payment's row, which no other process can change meanwhile, and writes."""
        values = asdict(refund) | {"made_at": self._database.now, "final_at": None}
        row = [
            each if isinstance(each := values[column.name], ColumnElement) else bindparam(None, each, column.type)
            for column in _row
        ]
        can_go_back = and_(payments.c.id == refund.payment_id, is_in(State.SETTLED), payments.c.final_at.is_not(None))
        source = select(*row).where(can_go_back).with_for_update(read=True)
        try:
            return await self._database.run(insert(refunds).from_select(list(_row), source)) == 1
        except IntegrityError:
            return False

    async def find(self, payment_id: str) -> Refund | None:
        row = await self._database.first(_refunds(_row.payment_id == payment_id))
        return row and _refund(row)

    async def under_way(self, chain_id: int, sender: str) -> list[Refund]:
        mine = (_row.chain_id == chain_id) & (_row.sender == sender) & _row.final_at.is_(None)
        return [_refund(row) for row in await self._database.rows(_refunds(mine).order_by(_row.nonce))]

    async def final(self, refund: Refund) -> bool:
        changed = update(refunds).where(_is_under_way(refund)).values(final_at=self._database.now)
        return await self._database.run(changed) == 1

    async def withdraw(self, refund: Refund) -> bool:
        return await self._database.run(delete(refunds).where(_is_under_way(refund))) == 1


def _refunds(where: ColumnElement[bool]) -> Select[Any]:
    return select(refunds).where(where)


def _refund(row: Row[Any]) -> Refund:
    return Refund(**row._mapping)


def _is_under_way(refund: Refund) -> ColumnElement[bool]:
    return and_(_row.payment_id == refund.payment_id, _row.hash == refund.hash, _row.final_at.is_(None))
