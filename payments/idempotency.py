"""`Idempotency-Key`: a buyer's own name for one purchase, whichever payment is signed for it.

draft-ietf-httpapi-idempotency-key-header-07: a structured string, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`; the quotes
may be left out. A rail may carry the name in the payment instead (x402's `payment-identifier`).

Clients that sign anew after a lost answer pay twice unless the purchase has a name. So a quote suggests one that
follows from the order, as far as an unpaid request shows it: stock clients of x402 version 2 echo what a quote says,
and so name their purchases without knowing. Who buys the same picture with the same parameters within a day gets the
first one again, byte for byte.
"""

import re
from dataclasses import replace
from typing import TypeVar

from errors import BadRequest
from payments.rail import Credential, HeaderFields, Order, values

C = TypeVar("C", bound=Credential)
MAX_CHARS = 128
_KEY = re.compile(r'(")?([A-Za-z0-9._~:/+=@-]{1,128})(?(1)")')


_SUGGESTED = re.compile(r"order-[0-9a-f]{64}")


def suggested(order: Order) -> str | None:
    """The name that a quote suggests for the purchase of an order; None for a quote without a picture, with which any
    picture may be bought."""
    return f"order-{order.beginning}" if order.body else None


def name_of(credential: Credential, order: Order) -> str | None:
    """The buyer's name for this purchase. A suggestion that belongs to another order names nothing: a client may pay
    for one picture with the quote of another one."""
    name = credential.idempotency_key
    if not _is_suggestion(name):
        return name
    # Pictures may begin alike, and a URL may lead to another one tomorrow, so the purchase is named after the picture.
    return f"order-{order.result}" if name == suggested(order) and not order.is_open else None


def _is_suggestion(name: str | None) -> bool:
    return name is not None and _SUGGESTED.fullmatch(name) is not None


def with_idempotency_key(credential: C, headers: HeaderFields) -> C:
    """The credential, with the request's `Idempotency-Key` if there is one; it overrides an echoed suggestion.

    Raises:
        BadRequest: the field is unreadable or repeated, or the payment carries a different name of the buyer's own.
    """
    sent = values(headers, "idempotency-key")
    if not sent:
        return credential
    match = _KEY.fullmatch(sent[0])
    if len(sent) > 1 or match is None:
        raise BadRequest(
            f"Idempotency-Key must be one string of 1 to {MAX_CHARS} letters, digits and ._~:/+=@- characters, "
            'for example a new UUID for each purchase: Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324".'
        )
    own = None if _is_suggestion(credential.idempotency_key) else credential.idempotency_key
    if own not in (None, match[2]):
        raise BadRequest("Idempotency-Key and the payment's own identifier differ. Send one of them.")
    return replace(credential, idempotency_key=match[2])
