"""`Idempotency-Key`: the buyer's name for one purchase, independent of the payment.

draft-ietf-httpapi-idempotency-key-header-07: a structured string, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`; the quotes
are optional. A rail may have the name in the payment instead (x402's `payment-identifier`).

A client that signs a new payment after a lost response pays twice unless the purchase has a name. So a quote suggests
a name that is derived from the order, as far as an unpaid request shows it. Standard clients of x402 version 2 echo
the quote, and so name their purchases automatically. A buyer that sends the same image with the same parameters within
a day receives the first result again, byte for byte.
"""

import re
from dataclasses import replace
from typing import TypeVar

from errors import BadRequest
from payments.order import Order
from payments.rail import Credential, HeaderFields, values

C = TypeVar("C", bound=Credential)
MAX_CHARS = 128
_KEY = re.compile(r'(")?([A-Za-z0-9._~:/+=@-]{1,128})(?(1)")')


_SUGGESTED = re.compile(r"order-[0-9a-f]{64}")


def suggested(order: Order) -> str | None:
    """The name that a quote suggests for an order; None for a quote without an image, which can pay for any image."""
    return f"order-{order.beginning}" if order.body else None


def name_of(credential: Credential, order: Order) -> str | None:
    """The buyer's name for this purchase. A suggested name of another order is ignored: a client may pay for one image
    with the quote of another."""
    name = credential.idempotency_key
    if not _is_suggestion(name):
        return name
    # Two images may begin alike, and a URL may return another image later, so the name is that of the whole image.
    return f"order-{order.result}" if name == suggested(order) and not order.is_open else None


def _is_suggestion(name: str | None) -> bool:
    return name is not None and _SUGGESTED.fullmatch(name) is not None


def with_idempotency_key(credential: C, headers: HeaderFields) -> C:
    """The credential, with the request's `Idempotency-Key` if there is one; it overrides an echoed suggestion.

    Raises:
        BadRequest: the field is unreadable or repeated, or differs from the buyer's name in the payment.
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
