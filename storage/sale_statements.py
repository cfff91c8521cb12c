"""The prebuilt statements of a sale: building a statement costs more than executing it.

Values are parameters. SQLAlchemy reserves parameters named like columns, so these have other names.
"""

from typing import Any

from sqlalchemy import Double, Executable, Integer, String, bindparam, func, select, update
from sqlalchemy.sql.elements import ColumnElement

from payments import State
from storage.database import Database
from storage.entries import entries
from storage.schema import is_in, payments, under_way
from storage.settled import FIRST_RECHECK_S

_row = payments.c
_NEW = tuple(
    _row[name]
    for name in (
        *("id", "rail", "payer", "amount", "valid_before", "evidence", "transaction_hash"),
        *("fingerprint", "order_digest", "holder", "purchase", "product"),
    )
)


class SaleStatements:
    """The statements that `SqlLedger` executes for every sale, with their parameters.

    Attributes:
        find: `wanted`, an id.
        claim: `new_<column>` for the columns of a claim, `lease_s`, `covered`: number of payments that the funds cover,
            `seen_holder`: holder of the abandoned entry that was looked up, "" if there was none.
        renew: `are_ids` and `are_holders`, lists, and `lease_s`. No two claims have the same holder.
        begin_settlement: `is_id`, `is_holder`, `lease_s`, and the columns `sold` and `receipt_id` as `new_<column>`.
        settled: `is_id` and `paid`, a receipt.
        refuse: `of_id`, `of_rail` and `by_nobody`, a random holder.
    """

    def __init__(self, database: Database) -> None:
        now = database.now
        self.find = entries(_row.id == bindparam("wanted", type_=String()), now)
        self.claim = _claim(database)
        self.refuse = _refuse(database)
        lease_until = now + bindparam("lease_s", type_=Double())
        runs = _row.lease_until > now
        are_theirs = _row.id.in_(bindparam("are_ids", expanding=True, type_=String())) & _row.holder.in_(
            bindparam("are_holders", expanding=True, type_=String())
        )
        self.renew = (
            update(payments)
            .where(are_theirs & is_in(State.CLAIMED) & runs)
            .values(lease_until=lease_until)
            .returning(_row.id, _row.holder)
        )
        self.begin_settlement = (
            update(payments)
            .where(_holds(State.CLAIMED) & runs)
            .values(
                state=State.SETTLING,
                lease_until=lease_until,
                settling_since=now,
                receipt_id=_new(_row.receipt_id),
                sold=_new(_row.sold),
            )
            .returning(_row.lease_until)
        )
        self.settled = (
            update(payments)
            .where((_row.id == bindparam("is_id", type_=String())) & is_in(State.SETTLING))
            .values(
                state=State.SETTLED,
                receipt=bindparam("paid", type_=_row.receipt.type),
                settled_at=now,
                recheck_at=now + FIRST_RECHECK_S,
            )
        )


def new(values: dict[str, Any]) -> dict[str, Any]:
    """The parameters of `claim` for column values."""
    return {f"new_{name}": value for name, value in values.items()}


def abandoned(now: ColumnElement[float]) -> ColumnElement[bool]:
    """A claim whose lease expired before money could move, or a payment that was refused or released."""
    return under_way & is_in(State.CLAIMED) & (_row.lease_until <= now)


def _claim(database: Database) -> Executable:
    now = database.now
    values = {
        **{column.name: _new(column) for column in _NEW},
        "state": State.CLAIMED,
        "lease_until": now + bindparam("lease_s", type_=Double()),
        "deliveries": 0,
    }
    seen_holder = bindparam("seen_holder", type_=String())
    as_seen = abandoned(now) & (_row.holder == seen_holder)
    # The entry that was looked up may have been deleted since; then nothing is inserted.
    known = select(_row.id).where(_row.id == _new(_row.id)).exists()
    only_if = _funds_cover(now) & ((seen_holder == "") | known)
    return database.upsert(payments, values, only_if=only_if, where=as_seen, returning=_row.id)


def _refuse(database: Database) -> Executable:
    abandon = {
        "state": State.CLAIMED,
        "holder": bindparam("by_nobody", type_=String()),
        "lease_until": database.now,
        "transaction_hash": None,
        "purchase": None,
    }
    unknown = {"payer": "", "amount": 0, "valid_before": 0, "evidence": {}, "fingerprint": "", "order_digest": ""}
    values = {
        "id": bindparam("of_id", type_=String()),
        "rail": bindparam("of_rail", type_=String()),
        **unknown,
        "deliveries": 0,
        **abandon,
    }
    return database.upsert(payments, values, update=abandon, where=abandoned(database.now), returning=_row.id)


def _funds_cover(now: ColumnElement[float]) -> ColumnElement[bool]:
    """Whether the payer's funds cover this payment and those in progress, assuming that all have this amount."""
    at_work = under_way & (is_in(State.SETTLING) | (_row.lease_until > now))
    others = (_row.payer == _new(_row.payer)) & (_row.rail == _new(_row.rail)) & (_row.id != _new(_row.id))
    count = select(func.count()).select_from(payments).where(others & at_work).scalar_subquery()
    return count < bindparam("covered", type_=Integer())


def _holds(state: State) -> ColumnElement[bool]:
    is_theirs = (_row.id == bindparam("is_id", type_=String())) & (
        _row.holder == bindparam("is_holder", type_=String())
    )
    return is_theirs & is_in(state)


def _new(column: Any) -> ColumnElement[Any]:
    return bindparam(f"new_{column.name}", type_=column.type)
