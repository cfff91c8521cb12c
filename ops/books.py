"""One payment as a row for accounting."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from ops.periods import iso
from payments import RAILS, RailInfo
from storage import Record

DECIMALS = 6
"""Decimals of every accepted token: a rail is out of service while one of its tokens has other decimals."""


@dataclass(frozen=True, slots=True)
class Line:
    """The columns of the books, in order.

    Attributes:
        time: time of settlement by the ledger's clock; for other payments `Record.at`.
        network: CAIP-2, from the receipt.
        asset, asset_address: the token's name and its contract.
        model: empty for payments of ledger revisions before 0006.
        amount: in tokens of one dollar each.
        transaction: the transaction that paid; for a payment in doubt, the one that may have paid.
        refunded_base_units, refunded, refund_time, refund_transaction: amount of the refund, when it was recorded, and
            its transaction.
        refund_state: empty without a refund; `under-way` until the chain can no longer drop it, then `final`.
    """

    time: str
    state: str
    rail: str
    network: str
    asset: str
    asset_address: str
    model: str
    amount_base_units: int
    amount: str
    payer: str
    transaction: str
    payment: str
    refunded_base_units: int = 0
    refunded: str = "0"
    refund_state: str = ""
    refund_time: str = ""
    refund_transaction: str = ""

    @classmethod
    def of(cls, record: Record) -> "Line":
        """The line of a payment."""
        payment, receipt = record.entry.payment, record.entry.receipt
        asset, address = _asset(payment.rail, payment.evidence)
        return cls(
            time=iso(record.at),
            state=record.state,
            rail=payment.rail,
            network=receipt.network if receipt else "",
            asset=asset,
            asset_address=address,
            model=record.product or "",
            amount_base_units=payment.amount,
            amount=coins(payment.amount),
            payer=payment.payer,
            transaction=(receipt.transaction if receipt else payment.transaction) or "",
            payment=payment.id,
            **_refund(record),
        )


def _refund(record: Record) -> dict[str, Any]:
    back = record.refunded
    if back is None:
        return {}
    return {
        "refunded_base_units": back.amount,
        "refunded": coins(back.amount),
        "refund_state": "final" if back.is_final else "under-way",
        "refund_time": iso(back.at),
        "refund_transaction": back.transaction,
    }


def coins(units: int) -> str:
    """Base units in tokens: 50,000 is 0.05."""
    return f"{Decimal(units).scaleb(-DECIMALS).normalize():f}"


def facts(record: Record) -> dict[str, Any]:
    """All fields of a payment that may be shown; the payer's signature is excluded."""
    entry = record.entry
    return {
        **asdict(Line.of(record)),
        "settling_since": iso(record.settling_since),
        "settled_at": iso(record.settled_at),
        "final_at": iso(record.final_at),
        "valid_before": entry.payment.valid_before,
        "lease_left_s": round(entry.lease_left_s, 1),
        "deliveries_again": entry.deliveries,
        "order_digest": entry.order_digest,
    }


def _asset(rail: str, evidence: Any) -> tuple[str, str]:
    for info in _infos(rail):
        address = evidence.get(info.asset_evidence, "")
        return info.token_name(address), address
    return "", ""


def _infos(rail: str) -> Iterator[RailInfo[Any]]:
    yield from (info for info in RAILS if info.name == rail)
