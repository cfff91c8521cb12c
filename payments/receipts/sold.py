"""What a payment bought, as stored in the ledger for the receipt."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Sold:
    """What a payment bought, recorded before the settlement, so that a crash does not lose it.

    Attributes:
        receipt_id: 128 random bits, base64url; it gives access to the receipt.
        input_sha256, output_sha256: of the uploaded image, and of the result as first delivered; hex.
        currency: contract of the token, as written by the rail.
        facts: further facts for the receipt: the model.
    """

    receipt_id: str
    input_sha256: str
    output_sha256: str
    currency: str
    facts: Mapping[str, str] = field(default_factory=dict)


def sold(body: bytes, *, input_sha256: str, currency: str, facts: Mapping[str, str]) -> Sold:
    """The record of a result, with a new receipt id."""
    return Sold(token_urlsafe(_ID_BYTES), input_sha256, hashlib.sha256(body).hexdigest(), currency, facts)
