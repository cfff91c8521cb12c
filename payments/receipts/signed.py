"""Signed receipts: what a payment bought, as a JSON Web Signature that can be verified offline."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from payments.jws import Json, compact
from payments.rail import HeaderFields, Payment, Receipt
from payments.receipts.config import ReceiptConfig
from payments.receipts.keys import ReceiptKey, key_set
from payments.receipts.sold import Sold

TOKEN_HEADER, ID_HEADER = "X-Signed-Receipt", "X-Receipt-Id"
RECEIPT_HEADERS: Mapping[str, str] = {
    TOKEN_HEADER: "The service's receipt, a JSON Web Signature (EdDSA) over transaction, payer, amount, model and the "
    "digests of input and output; its keys are at /.well-known/jwks.json.",
    ID_HEADER: "The receipt's id, for GET /v1/receipts/{id}. It cannot be guessed; everyone who has it can read the "
    "receipt.",
}
_TYPE = "receipt+jwt"


class SignedReceipt(NamedTuple):
    """The claims, and the JSON Web Signature over them."""

    claims: Json
    token: str


class ReceiptSigner:
    """Signs receipts. Ed25519 is deterministic: the same key always produces the same receipt.

    Args:
        issuer: origin of the service.
        former: earlier public keys, published as well.
    """

    def __init__(self, key: ReceiptKey, *, issuer: str, former: Sequence[str] = ()) -> None:
        self._key = key
        self._issuer = issuer
        self.key_set = key_set([key.public, *former])

    def sign(self, bought: Sold, payment: Payment, receipt: Receipt) -> SignedReceipt:
        """The receipt of a settled payment."""
        claims: dict[str, Any] = {
            "iss": self._issuer,
            "jti": bought.receipt_id,
            "settled_at": receipt.at,
            "rail": receipt.rail,
            "network": receipt.network,
            "transaction": receipt.transaction,
            "payer": receipt.payer,
            "amount": str(payment.amount),
            "currency": bought.currency,
            "input_sha256": bought.input_sha256,
            "output_sha256": bought.output_sha256,
            **bought.facts,
        }
        head = {"alg": "EdDSA", "typ": _TYPE, "kid": self._key.id}
        return SignedReceipt(claims, compact(head, claims, self._key.sign))

    def headers(self, bought: Sold, payment: Payment, receipt: Receipt) -> HeaderFields:
        """The receipt as response headers."""
        return (TOKEN_HEADER, self.sign(bought, payment, receipt).token), (ID_HEADER, bought.receipt_id)


def receipt_signer(config: ReceiptConfig, issuer: str) -> ReceiptSigner | None:
    """The signer for these settings; None without a key."""
    if config.key is None:
        return None
    return ReceiptSigner(ReceiptKey(config.key), issuer=issuer, former=config.former_public_keys)
