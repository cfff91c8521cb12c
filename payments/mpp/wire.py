"""The wire: `Authorization: Payment` in, `Payment-Receipt` out (draft-httpauth-payment-00).

A credential that says `Payment` and cannot be read is answered 402 with a fresh challenge and `malformed-credential`,
as the specification and its validator (`mppx validate`) demand: hence PaymentRejected here, not MalformedPayment.
What no client of the specification sends, two different credentials or an oversized one, is a plain 400, and so is a
credential of another payment method (`method-unsupported`).
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
    """A Payment credential as it was read; `payment_id` is the id of the challenge it echoes."""

    sent: mpp.Credential = field(repr=False)
    transaction: SignedTransaction = field(repr=False)


@dataclass(frozen=True)
class PushedCredential(Credential):
    """The hash of a transaction that its payer has sent already (push mode), which challenges do not offer."""

    hash: str


def read_credential(headers: HeaderFields) -> MppCredential | PushedCredential | None:
    """The Payment credential among a request's header fields; None when there is none, whatever else authorizes. It may
    come several times, in repeated fields or in one list.

    Raises:
        MalformedPayment: two different ones, longer than 16 KB, or for another payment method.
        PaymentRejected: unreadable, or for a challenge that cannot be ours.
    """
    tokens = [token for value in values(headers, "authorization") for token in _tokens(value)]
    if not tokens:
        return None
    different = list(dict.fromkeys(filter(None, tokens)))  # an empty one beside another counts for nothing
    if len(different) > 1:
        raise MalformedPayment("Two different Payment credentials came with the request. Send one.")
    credential = f"Payment {different[0] if different else ''}"
    if len(credential) > MAX_CHARS:
        raise MalformedPayment(f"The Payment credential is longer than {MAX_CHARS} characters.")
    if _nests_too_deep(different):
        raise rejected(MALFORMED_CREDENTIAL, "The credential nests too deep.")
    return _read(credential)


def _nests_too_deep(tokens: list[str]) -> bool:
    with suppress(ValueError):  # what is no Base64 is refused by who reads it
        return any(nests_too_deep(urlsafe_b64decode(f"{token}==")) for token in tokens)
    return False


def _tokens(value: str) -> list[str]:
    """The Payment credentials in one field, without scheme and padding: both can be written in several ways."""
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
        raise rejected(INVALID_CHALLENGE, "The credential echoes no challenge of this server.")
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
    """The hash in a payload of push mode, lower case."""
    if not isinstance(sent.payload, dict) or sent.payload.get("type") != "hash":
        return None
    pushed = sent.payload.get("hash")
    if not isinstance(pushed, str) or not _TRANSACTION_HASH.fullmatch(pushed.lower()):
        raise rejected(MALFORMED_CREDENTIAL, "The payload holds no 32-byte transaction `hash`, 0x-hex.")
    return pushed.lower()


def _signed(sent: mpp.Credential) -> str:
    """The payer's signed transaction, 0x-hex."""
    try:
        return PullPayload.model_validate(sent.payload).signature
    except ValidationError as exc:
        raise rejected(MALFORMED_CREDENTIAL, "The payload holds no `transaction` with its 0x-hex `signature`.") from exc


def _transaction(raw: str) -> SignedTransaction:
    try:
        return read_transaction(raw)
    except ValueError as exc:
        raise rejected(
            VERIFICATION_FAILED,
            "Expected a signed Tempo transaction (0x76) with a single transferWithMemo call, an expiring nonce, gas "
            f"that the payer pays and a gas limit from {MIN_GAS} to {MAX_GAS}, signed by the payer's own secp256k1 "
            "key: no passkey, no access key, no access list, no authorizations.",
        ) from exc


def write_receipt(receipt: Receipt, currency: str) -> HeaderFields:
    """The receipt header; a pure function of the receipt, so replays are byte-identical."""
    sdk_receipt = mpp.Receipt.success(
        receipt.transaction,
        timestamp=datetime.fromtimestamp(receipt.at, UTC),
        method=METHOD,
        funding_currency=currency,
    )
    return (("Payment-Receipt", sdk_receipt.to_payment_receipt()),)
