"""The wire format: payment headers in, challenge and receipt headers out, for x402 v1 and v2.

version   payment              challenge                     receipt               networks
1         X-PAYMENT            JSON body of the 402          X-PAYMENT-RESPONSE    base-sepolia
2         PAYMENT-SIGNATURE    PAYMENT-REQUIRED              PAYMENT-RESPONSE      eip155:84532

Wallets mix the versions, and some set both headers to the same value. So the payload's `x402Version` decides how a
payment is read and how its receipt names the network; the receipt's header corresponds to the header of the payment, or
to both if the payment was in both.
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from x402.http.utils import encode_payment_required_header, encode_payment_response_header
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo, SettleResponse
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequiredV1

from errors import MalformedPayment
from payments.evm.abi import checksummed
from payments.nesting import nests_too_deep
from payments.order import Order
from payments.rail import Challenge, Credential, HeaderFields, Receipt, values
from payments.x402 import bazaar, payment_identifier
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.payment_identifier import read_identifier
from payments.x402.requirements import QuoteTerms, base_units

RAIL = "x402"
MAX_HEADER_CHARS = 8192
_RECEIPTS = {"x-payment": "X-PAYMENT-RESPONSE", "payment-signature": "PAYMENT-RESPONSE"}
_MAX_ENCODINGS = 2
"""One payment has at most two encodings: version 1 and version 2."""
_TWO_PAYMENTS = "The request has two different x402 payments. Send one."
_UNPAID = {1: "X-PAYMENT header is required", 2: "PAYMENT-SIGNATURE header is required"}


@dataclass(frozen=True)
class X402Credential(Credential):
    """A parsed payment header.

    Attributes:
        version: 1 or 2, from the payload.
        sent_in: lower-case names of the header fields that contained it; not empty.
        scheme, network: as named in the payment.
        accepted: the requirement that a v2 client echoes.
    """

    version: int
    sent_in: tuple[str, ...]
    scheme: str
    network: str
    accepted: PaymentRequirements | None
    signed: SignedAuthorization = field(repr=False)


def read_payment(headers: HeaderFields, terms: QuoteTerms) -> X402Credential | None:
    """The payment in a request's header fields, or None. Empty fields are ignored, and a payment may be repeated: in
    both headers, in a repeated header, or in a comma-separated list, into which proxies join repeated headers.

    Raises:
        MalformedPayment: two different payments, one that is too long, or one that cannot be read.
    """
    sent = [(name, part) for name in _RECEIPTS for value in values(headers, name) for part in _parts(value)]
    texts = list(dict.fromkeys(text for _, text in sent))
    if not texts:
        return None
    if len(texts) > _MAX_ENCODINGS:
        raise MalformedPayment(_TWO_PAYMENTS)
    sent_in = tuple(dict.fromkeys(name for name, _ in sent))
    found = [_credential(_decode(text), terms, sent_in) for text in texts]
    if len({each.fingerprint for each in found}) > 1:
        raise MalformedPayment(_TWO_PAYMENTS)
    return max(found, key=lambda each: each.version)  # version 2 has more information: terms and identifier


def _parts(value: str) -> list[str]:
    """The payments in one header field; Base64 has no comma."""
    return [part for each in value.split(",") if (part := each.strip())]


def _decode(value: str) -> dict[str, Any]:
    if len(value) > MAX_HEADER_CHARS:
        raise MalformedPayment(f"The x402 payment header is longer than {MAX_HEADER_CHARS} characters.")
    try:
        text = base64.b64decode(value, validate=True)
        if nests_too_deep(text):
            raise MalformedPayment("The x402 payment header is nested too deeply.")
        decoded = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise MalformedPayment("The x402 payment header is not Base64 of JSON.") from exc
    if not isinstance(decoded, dict):
        raise MalformedPayment("The x402 payment header must be a JSON object.")
    return decoded


def _credential(decoded: dict[str, Any], terms: QuoteTerms, sent_in: tuple[str, ...]) -> X402Credential:
    version = decoded.get("x402Version")
    if type(version) is not int or version not in (1, 2):
        raise MalformedPayment("x402Version must be 1 or 2.")
    try:
        payment = (PaymentPayloadV1 if version == 1 else PaymentPayload).model_validate(decoded)
        signed = SignedAuthorization.model_validate(payment.payload)
    except ValueError as exc:
        raise MalformedPayment(
            f"The x402 payment is not a version {version} payment with an EIP-3009 authorization and signature."
        ) from exc
    if "permit2Authorization" in payment.payload:
        raise MalformedPayment("Permit2 payments are not accepted; send an EIP-3009 authorization.")
    return X402Credential(
        rail=RAIL,
        payment_id=payment_id(terms, signed.authorization.payer, signed.authorization.nonce),
        fingerprint=signed.fingerprint,
        idempotency_key=read_identifier(payment.extensions) if isinstance(payment, PaymentPayload) else None,
        version=version,
        sent_in=sent_in,
        scheme=payment.get_scheme(),
        network=payment.get_network(),
        accepted=payment.accepted if isinstance(payment, PaymentPayload) else None,
        signed=signed,
    )


def payment_id(terms: QuoteTerms, payer: str, nonce: str) -> str:
    """The ledger's key of a payment: what identifies an authorization that the token accepts once."""
    return f"{terms.network.caip2}:{terms.asset}:{payer}:{nonce}".lower()


def write_challenge(terms: QuoteTerms, order: Order, rejection: str | None, *, name: str | None = None) -> Challenge:
    """The quote in both versions: the header for v2, the body's members for v1 (its networks only, no null members).

    `name` is the suggested payment identifier for v2 clients.
    """
    units = base_units(order.price)
    v2 = PaymentRequired(
        error=rejection or _UNPAID[2],
        resource=ResourceInfo(url=order.url, description=terms.description, mime_type=order.media_type),
        accepts=[terms.requirements(units)],
        extensions=_extensions(order, name),
    )
    v1 = PaymentRequiredV1(
        error=rejection or _UNPAID[1], accepts=[terms.requirements_v1(units, order.url, order.media_type)]
    )
    return Challenge(
        headers=(("PAYMENT-REQUIRED", encode_payment_required_header(v2)),),
        members=v1.model_dump(by_alias=True, exclude_none=True),
    )


def _extensions(order: Order, name: str | None) -> dict[str, Any]:
    call = {bazaar.NAME: bazaar.declaration(order.json_call, order.method)} if order.json_call else {}
    return {payment_identifier.NAME: payment_identifier.declaration(name), **call}


def write_receipt(receipt: Receipt, credential: X402Credential, terms: QuoteTerms) -> HeaderFields:
    """The receipt for the sender of this credential; a pure function of both, so repeats are byte-identical."""
    settled = SettleResponse(
        success=True,
        transaction=receipt.transaction,
        network=terms.network.v1_name if credential.version == 1 else receipt.network,
        payer=checksummed(receipt.payer),
    )
    return _responses(settled, credential)


def write_refusal(reason: str, credential: X402Credential, terms: QuoteTerms) -> HeaderFields:
    """A failed settlement response with its reason (x402 HTTP transport v2, v1 §"Settlement").

    The payer is the one named in the payment, whose signature may be invalid.
    """
    failed = SettleResponse(
        success=False,
        error_reason=reason,
        transaction="",
        network=terms.network.v1_name if credential.version == 1 else terms.network.caip2,
        payer=checksummed(credential.signed.authorization.payer),
    )
    return _responses(failed, credential)


def _responses(response: SettleResponse, credential: X402Credential) -> HeaderFields:
    encoded = encode_payment_response_header(response)
    return tuple((_RECEIPTS[name], encoded) for name in credential.sent_in)
