"""The wire format: `Authorization: Payment` in, `Payment-Receipt` out (draft-httpauth-payment-00).

The response to an unreadable `Payment` credential is 402 with a new challenge and `malformed-credential`, as required
by the specification and its validator (`mppx validate`); therefore PaymentRejected, not MalformedPayment. The response
to two different credentials, an oversized one, or one for another payment method (`method-unsupported`) is 400.
"""

import hashlib
import re
from base64 import urlsafe_b64decode
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime

import mpp
from mpp._parsing import ParseError
from pydantic import ValidationError

from errors import MalformedPayment
from payments.mpp.problems import (
    BASE,
    INVALID_CHALLENGE,
    MALFORMED_CREDENTIAL,
    METHOD_UNSUPPORTED,
    VERIFICATION_FAILED,
    rejected,
)
from payments.mpp.pull import INTENT, METHOD, PullPayload
from payments.mpp.transaction import MAX_GAS, MIN_GAS, SignedTransaction, read_transaction
from payments.nesting import nests_too_deep
from payments.rail import Credential, HeaderFields, Receipt, values

RAIL = "mpp"
MAX_CHARS = 16 * 1024
_TRANSACTION_HASH = re.compile(r"0x[0-9a-f]{64}")
_CHALLENGE_ID = re.compile(r"[A-Za-z0-9_-]{43}")  # HMAC-SHA256 in unpadded base64url


@dataclass(frozen=True)
class MppCredential(Credential):
    """A parsed Payment credential; `payment_id` is the id of the echoed challenge."""

    sent: mpp.Credential = field(repr=False)
    transaction: SignedTransaction = field(repr=False)


@dataclass(frozen=True)
class PushedCredential(Credential):
    """The hash of a transaction that the payer has already sent (push mode, which challenges do not offer)."""

    hash: str


def read_credential(headers: HeaderFields) -> MppCredential | PushedCredential | None:
    """The Payment credential in a request's header fields; None if there is none. Other schemes are ignored. The same
    credential may be repeated, in several fields or in one list.

    Raises:
        MalformedPayment: two different credentials, one longer than 16 KB, or one for another payment method.
        PaymentRejected: it is unreadable, or its challenge cannot be ours.
    """
    tokens = [token for value in values(headers, "authorization") for token in _tokens(value)]
    if not tokens:
        return None
    different = list(dict.fromkeys(filter(None, tokens)))  # empty credentials are ignored beside others
    if len(different) > 1:
        raise MalformedPayment("The request has two different Payment credentials. Send one.")
    credential = f"Payment {different[0] if different else ''}"
    if len(credential) > MAX_CHARS:
        raise MalformedPayment(f"The Payment credential is longer than {MAX_CHARS} characters.")
    if _nests_too_deep(different):
        raise rejected(MALFORMED_CREDENTIAL, "The credential is nested too deeply.")
    return _read(credential)


def _nests_too_deep(tokens: list[str]) -> bool:
    with suppress(ValueError):  # invalid Base64 is rejected when it is read
        return any(nests_too_deep(urlsafe_b64decode(f"{token}==")) for token in tokens)
    return False


def _tokens(value: str) -> list[str]:
    """The Payment credentials in one field, without scheme and padding, which can be written in several ways."""
    credentials = (part.strip().partition(" ") for part in value.split(","))
    return [token.strip().rstrip("=") for scheme, _, token in credentials if scheme.lower() == "payment"]


def _read(header: str) -> MppCredential | PushedCredential:
    try:
        sent = mpp.Credential.from_authorization(header)
    except (ParseError, RecursionError) as exc:
        raise rejected(
            MALFORMED_CREDENTIAL, "The credential is not base64url of a JSON object with `challenge` and `payload`."
        ) from exc
    echo = sent.challenge
    if (echo.method, echo.intent) != (METHOD, INTENT):
        raise MalformedPayment(f"Only {METHOD}/{INTENT} is accepted.", type=BASE + METHOD_UNSUPPORTED)
    if not _CHALLENGE_ID.fullmatch(echo.id):
        raise rejected(INVALID_CHALLENGE, "The echoed challenge was not issued by this server.")
    pushed = _pushed(sent)
    if pushed is not None:
        return PushedCredential(RAIL, echo.id, _fingerprint(echo.id, pushed), hash=pushed)
    transaction = _transaction(_signed(sent))
    return MppCredential(
        rail=RAIL,
        payment_id=echo.id,
        fingerprint=_fingerprint(echo.id, transaction.raw),
        sent=sent,
        transaction=transaction,
    )


def _fingerprint(challenge_id: str, sent: str) -> str:
    return hashlib.sha256(f"{challenge_id}:{sent}".encode()).hexdigest()


def _pushed(sent: mpp.Credential) -> str | None:
    """The transaction hash of a push mode payload, lower case; None for other payloads."""
    if not isinstance(sent.payload, dict) or sent.payload.get("type") != "hash":
        return None
    pushed = sent.payload.get("hash")
    if not isinstance(pushed, str) or not _TRANSACTION_HASH.fullmatch(pushed.lower()):
        raise rejected(MALFORMED_CREDENTIAL, "The payload must have a 32-byte transaction `hash` in 0x-hex.")
    return pushed.lower()


def _signed(sent: mpp.Credential) -> str:
    """The payer's signed transaction, 0x-hex."""
    try:
        return PullPayload.model_validate(sent.payload).signature
    except ValidationError as exc:
        raise rejected(
            MALFORMED_CREDENTIAL, "The payload must have a `transaction` with its 0x-hex `signature`."
        ) from exc


def _transaction(raw: str) -> SignedTransaction:
    try:
        return read_transaction(raw)
    except ValueError as exc:
        raise rejected(
            VERIFICATION_FAILED,
            "Expected a signed Tempo transaction (type 0x76) with a single transferWithMemo call, an expiring nonce, "
            f"gas paid by the payer and a gas limit from {MIN_GAS} to {MAX_GAS}, signed with the payer's secp256k1 "
            "key. Passkeys, access keys, access lists and authorizations are not accepted.",
        ) from exc


def write_receipt(receipt: Receipt, currency: str) -> HeaderFields:
    """The receipt header; deterministic, so repeated receipts are byte-identical."""
    sdk_receipt = mpp.Receipt.success(
        receipt.transaction,
        timestamp=datetime.fromtimestamp(receipt.at, UTC),
        method=METHOD,
        funding_currency=currency,
    )
    return (("Payment-Receipt", sdk_receipt.to_payment_receipt()),)
