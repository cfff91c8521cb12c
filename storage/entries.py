"""Conversion between rows and the types of `payments`."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, Select, select
from sqlalchemy.sql.elements import ColumnElement

from payments import Entry, Payment, Receipt, Sold, State
from storage.schema import payments

_SHARED = ("id", "rail", "payer", "amount", "valid_before", "evidence")
"""Columns with the names of `Payment`'s fields."""


def entries(where: ColumnElement[bool], now: ColumnElement[float]) -> Select[Any]:
    """SELECT with the columns of `entry_of`; `now` is the time for `lease_left_s`."""
    return select(payments, (payments.c.lease_until - now).label("lease_left_s")).where(where)


def columns(payment: Payment) -> dict[str, Any]:
    """The columns of a payment."""
    shared = {name: getattr(payment, name) for name in _SHARED}
    return shared | {"evidence": dict(payment.evidence), "transaction_hash": payment.transaction}


def sold_columns(sold: Sold | None) -> dict[str, Any]:
    """The columns of the receipt's facts."""
    facts = asdict(sold) if sold else {}
    return {"receipt_id": facts.pop("receipt_id", None), "sold": facts or None}


def entry_of(row: Row[Any]) -> Entry:
    """The entry in a row of `entries`."""
    return Entry(
        payment=Payment(**{name: getattr(row, name) for name in _SHARED}, transaction=row.transaction_hash),
        state=State(row.state),
        fingerprint=row.fingerprint,
        order_digest=row.order_digest,
        holder=row.holder,
        lease_until=row.lease_until,
        lease_left_s=row.lease_left_s,
        deliveries=row.deliveries,
        receipt=row.receipt and Receipt(**row.receipt),
        sold=row.sold and Sold(row.receipt_id, **row.sold),
    )
