"""The receipt file beside a result: amount, payee, and the digests of both files."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
from mpp import Receipt as MppReceipt
from mpp.errors import PaymentError
from x402.http import decode_payment_response_header

from clearcanvas.order import Order
from clearcanvas.payment import Payment

_KEPT = ("payment-response", "payment-receipt")


def receipt(order: Order, payment: Payment, answer: httpx.Response, result_sha256: str) -> dict[str, Any]:
    """JSON members. `amount` is in base units (millionths of a dollar); `protocol_receipt` comes from the rail,
    `signed_receipt` from the service."""
    headers = answer.headers
    return {
        "source": order.picture.name,
        "source_sha256": order.picture.sha256,
        "result_sha256": result_sha256,
        "url": order.url,
        "model": headers.get("X-Model"),
        "rail": payment.rail,
        "network": payment.network,
        "asset": payment.asset,
        "amount": payment.amount,
        "payer": payment.payer,
        "payee": payment.payee,
        "transaction": _transaction(answer),
        "signed_at": datetime.fromtimestamp(payment.signed_at, UTC).isoformat(),
        "idempotency_key": payment.order,
        "delivered_again": "Idempotent-Replayed" in headers,
        "request_id": headers.get("X-Request-Id"),
        "signed_receipt": headers.get("X-Signed-Receipt"),
        "protocol_receipt": {name: headers[name] for name in _KEPT if name in headers},
    }


def as_json(members: dict[str, Any]) -> str:
    """The text in the journal and in the file."""
    return json.dumps(members, indent=2) + "\n"


def _transaction(answer: httpx.Response) -> str | None:
    """The transaction that the rail's receipt names; None if it cannot be read, because the picture is still valid."""
    x402, mpp = (answer.headers.get(name) for name in _KEPT)
    try:
        if x402:
            return str(decode_payment_response_header(x402).transaction)
        if mpp:
            return MppReceipt.from_payment_receipt(mpp).reference
    except (PaymentError, ValueError, TypeError, KeyError):
        pass
    return None


def as_dict(text: str) -> dict[str, Any]:
    """The members of a stored receipt."""
    members = json.loads(text)
    return members if isinstance(members, dict) else {}
