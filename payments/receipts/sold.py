"""What a payment bought, as the ledger keeps it for the receipt."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_urlsafe

_ID_BYTES = 16


@dataclass(frozen=True, slots=True)
class Sold:
    """What a payment bought, written down before the money moves, so that a crash loses none of it.

    Attributes:
        receipt_id: 128 random bits, base64url: it cannot be guessed, and everyone who has it may read the receipt.
        input_sha256, output_sha256: of the picture that was sent, and of the file that was delivered first; hex.
        currency: contract of the token that was paid, as the rail names it.
        facts: what else its receipt says: the model.
    """

    receipt_id: str
    input_sha256: str
    output_sha256: str
    currency: str
    facts: Mapping[str, str] = field(default_factory=dict)


def sold(body: bytes, *, input_sha256: str, currency: str, facts: Mapping[str, str]) -> Sold:
    """A finished picture, under a receipt id of its own."""
    return Sold(token_urlsafe(_ID_BYTES), input_sha256, hashlib.sha256(body).hexdigest(), currency, facts)
