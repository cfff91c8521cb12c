"""`Idempotency-Key`: a buyer's own name for one purchase, whichever payment is signed for it.

draft-ietf-httpapi-idempotency-key-header-07: a structured string, `"8e03978e-40d5-43dd-bc93-6894a57f9324"`; the quotes
may be left out. A rail may carry the name in the payment instead (x402's `payment-identifier`).
"""

import re
from dataclasses import replace
from typing import TypeVar

from errors import BadRequest
from payments.rail import Credential, HeaderFields, values

C = TypeVar("C", bound=Credential)
MAX_CHARS = 128
_KEY = re.compile(r'(")?([A-Za-z0-9._~:/+=@-]{1,128})(?(1)")')


def named(credential: C, headers: HeaderFields) -> C:
    """The credential, with the request's `Idempotency-Key` if there is one.

    Raises:
        BadRequest: the field is unreadable or stands twice, or the payment carries another name.
    """
    sent = values(headers, "idempotency-key")
    if not sent:
        return credential
    match = _KEY.fullmatch(sent[0])
    if len(sent) > 1 or match is None:
        raise BadRequest(
            f"Idempotency-Key is one string of 1 to {MAX_CHARS} letters, digits and ._~:/+=@- characters, "
            'best a new UUID for each purchase: Idempotency-Key: "8e03978e-40d5-43dd-bc93-6894a57f9324".'
        )
    if credential.idempotency_key not in (None, match[2]):
        raise BadRequest("Idempotency-Key and the payment's own identifier differ. Send one of them.")
    return replace(credential, idempotency_key=match[2])
