"""The operator's queries: payments by period, state, rail and payer, and revenue."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Row, Select, and_, cast, func, or_, select, text
from sqlalchemy.sql.elements import ColumnElement

from payments import Entry, State
from storage.database import Database
from storage.entries import entries, entry_of
from storage.sale_statements import abandoned
from storage.schema import in_doubt, payments, refunds
from storage.store import Store

DAY_S = 86_400
_row = payments.c


class RecordState(StrEnum):
    """A payment's state for operators: the ledger's state, refined by lease and finality."""

    CLAIMED = "claimed"
    SETTLING = "settling"
    IN_DOUBT = "in-doubt"
    NOT_FINAL = "not-final"
    FINAL = "final"
    ABANDONED = "abandoned"


@dataclass(frozen=True, slots=True)
class Refunded:
    """A refund: base units, unix seconds when it was recorded, transaction hash, and whether it is final."""

    amount: int
    at: float
    transaction: str
    is_final: bool


@dataclass(frozen=True, slots=True)
class Record:
    """One payment for the books. Times are unix seconds by the ledger's clock.

    Attributes:
        at: time of settlement; otherwise the start of the settlement; otherwise the end of the claim.
        product: name of the product; None if an earlier version sold it.
        settling_since, settled_at, final_at: None if this has not happened.
    """

    entry: Entry
    state: RecordState
    at: float
    product: str | None
    settling_since: float | None
    settled_at: float | None
    final_at: float | None
    refunded: Refunded | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter of payments; None does not filter.

    Attributes:
        since, until: unix seconds, compared with `Record.at`; the period includes the first and not the second.
        states: by default all but abandoned ones, which moved no money.
        payer: address in any letter case.
    """

    since: float = 0.0
    until: float = math.inf
    states: frozenset[RecordState] = frozenset(RecordState) - {RecordState.ABANDONED}
    rail: str | None = None
    payer: str | None = None


@dataclass(frozen=True, slots=True)
class Earned:
    """Revenue of one day (UTC, days since 1970) on one rail for one product: number of payments, and base units.

    Attributes:
        refunded: refunds of these payments, at any time.
    """

    day: int
    rail: str
    product: str | None
    payments: int
    amount: int
    refunded: int = 0


class SqlRecords(Store):
    """Reads the ledger for its operator; changes nothing."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        now = database.now
        settling, running = _row.state == State.SETTLING, _row.lease_until > now
        self._at = func.coalesce(_row.settled_at, _row.settling_since, _row.lease_until)
        self._states: Mapping[RecordState, ColumnElement[bool]] = {
            RecordState.CLAIMED: (_row.state == State.CLAIMED) & running,
            RecordState.SETTLING: settling & running,
            RecordState.IN_DOUBT: in_doubt & (_row.lease_until <= now),
            RecordState.NOT_FINAL: (_row.state == State.SETTLED) & _row.final_at.is_(None),
            RecordState.FINAL: (_row.state == State.SETTLED) & _row.final_at.is_not(None),
            RecordState.ABANDONED: abandoned(now),
        }

    async def page(self, wanted: Wanted, *, after: Record | None = None, limit: int = 1000) -> list[Record]:
        """The matching payments, oldest first, that follow `after`, the last one of the previous page."""
        where = self._where(wanted)
        if after is not None:
            later = or_(self._at > after.at, and_(self._at == after.at, _row.id > after.entry.payment.id))
            where = where & later
        return await self._found(where, limit)

    async def latest(self, wanted: Wanted, limit: int) -> list[Record]:
        """The latest `limit` matching payments, oldest first."""
        statement = self._records(self._where(wanted)).order_by(self._at.desc(), _row.id.desc())
        return [self._record(row) for row in reversed(await self._database.reads.rows(statement.limit(limit)))]

    async def find(self, reference: str) -> list[Record]:
        """The payments with this id, transaction or receipt's transaction, in any state."""
        paid_by = _row.receipt["transaction"].as_string()
        return await self._found(
            (_row.id == reference) | (_row.transaction_hash == reference) | (paid_by == reference), 10
        )

    async def earned(self, since: float, until: float) -> list[Earned]:
        """Revenue from `since` (included) to `until` (excluded), unix seconds, by day, rail and product."""
        period = (_row.state == State.SETTLED) & (_row.settled_at >= since) & (_row.settled_at < _finite(until))
        days = _row.settled_at / DAY_S
        # Both casts truncate here; PostgreSQL's alone would round.
        day = cast(days if self._database.dialect == "sqlite" else func.floor(days), BigInteger).label("day")
        count, amount = func.count().label("payments"), func.sum(cast(_row.amount, BigInteger)).label("amount")
        back = func.coalesce(func.sum(cast(refunds.c.amount, BigInteger)), 0).label("refunded")
        statement = _with_refunds(select(day, _row.rail, _row.product, count, amount, back).where(period))
        rows = await self._database.reads.rows(statement.group_by(text("1, 2, 3")).order_by(text("1, 2, 3")))
        return [
            Earned(row.day, row.rail, row.product, row.payments, int(row.amount), int(row.refunded)) for row in rows
        ]

    def _where(self, wanted: Wanted) -> ColumnElement[bool]:
        where = (self._at >= wanted.since) & (self._at < _finite(wanted.until))
        where &= or_(*(self._states[each] for each in wanted.states))
        if wanted.rail is not None:
            where &= _row.rail == wanted.rail
        if wanted.payer is not None:
            where &= func.lower(_row.payer) == wanted.payer.lower()
        return where

    async def _found(self, where: ColumnElement[bool], limit: int) -> list[Record]:
        statement = self._records(where).order_by(self._at, _row.id).limit(limit)
        return [self._record(row) for row in await self._database.reads.rows(statement)]

    def _records(self, where: ColumnElement[bool]) -> Select[Any]:
        back = refunds.c
        more = back.amount.label("refunded"), back.made_at, back.hash, back.final_at.label("refund_final_at")
        return _with_refunds(entries(where, self._database.now).add_columns(*more))

    def _record(self, row: Row[Any]) -> Record:
        entry = entry_of(row)
        at = next(each for each in (row.settled_at, row.settling_since, row.lease_until) if each is not None)
        times = row.settling_since, row.settled_at, row.final_at
        return Record(entry, _state_of(entry, row.final_at), at, row.product, *times, _refunded(row))


def _with_refunds(statement: Select[Any]) -> Select[Any]:
    return statement.outerjoin_from(payments, refunds, refunds.c.payment_id == _row.id)


def _refunded(row: Row[Any]) -> Refunded | None:
    if row.refunded is None:
        return None
    return Refunded(row.refunded, row.made_at, row.hash, is_final=row.refund_final_at is not None)


def _state_of(entry: Entry, final_at: float | None) -> RecordState:
    if entry.state is State.SETTLED:
        return RecordState.NOT_FINAL if final_at is None else RecordState.FINAL
    if entry.state is State.SETTLING:
        return RecordState.SETTLING if entry.lease_runs else RecordState.IN_DOUBT
    return RecordState.ABANDONED if entry.is_abandoned else RecordState.CLAIMED


def _finite(until: float) -> float:
    """SQLite's driver has no infinity."""
    return min(until, 1e15)
