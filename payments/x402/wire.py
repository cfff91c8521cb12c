"""The wire: payment headers in, challenge and receipt headers out, for x402 v1 and v2 side by side.

version   payment              challenge                     receipt               networks
1         X-PAYMENT            JSON body of the 402          X-PAYMENT-RESPONSE    base-sepolia
2         PAYMENT-SIGNATURE    PAYMENT-REQUIRED              PAYMENT-RESPONSE      eip155:84532
"""

import base64
import json
from dataclasses import dataclass, field
from typing import Any

from eth_utils.address import to_checksum_address
from x402.http.utils import encode_payment_required_header, encode_payment_response_header
from x402.schemas import PaymentPayload, PaymentRequired, PaymentRequirements, ResourceInfo, SettleResponse
from x402.schemas.v1 import PaymentPayloadV1, PaymentRequiredV1

from errors import MalformedPayment
from payments.rail import Challenge, Credential, HeaderFields, Receipt, values
from payments.x402 import payment_identifier
from payments.x402.eip3009 import SignedAuthorization
from payments.x402.payment_identifier import read_identifier
from payments.x402.requirements import MIME_TYPE, Terms

RAIL = "x402"
MAX_HEADER_CHARS = 8192
_VERSIONS = {"x-payment": 1, "payment-signature": 2}
_UNPAID = {1: "X-PAYMENT header is required", 2: "PAYMENT-SIGNATURE header is required"}


@dataclass(frozen=True)
class X402Credential(Credential):
    """A payment header as it was read.

    Attributes:
        version: 1 or 2, decides the form of the receipt only.
        scheme, network: what the payment says it is, in its version's words.
        accepted: the requirement that a v2 client echoes.
    """

    version: int
    scheme: str
    network: str
    accepted: PaymentRequirements | None
    signed: SignedAuthorization = field(repr=False)


def read_payment(headers: HeaderFields, terms: Terms) -> X402Credential | None:
    """The payment among a request's header fields, or None.

    Raises:
        MalformedPayment: not one, too long, or unreadable.
    """
    found = [(version, value) for name, version in _VERSIONS.items() for value in values(headers, name)]
    if not found:
        return None
    if len(found) > 1:
        raise MalformedPayment("More than one x402 payment came with the request. Send one payment header only.")
    version, value = found[0]
    if len(value) > MAX_HEADER_CHARS:
        raise MalformedPayment(f"The x402 payment header is longer than {MAX_HEADER_CHARS} characters.")
    return _credential(version, _decode(value), terms)


def _decode(value: str) -> dict[str, Any]:
    try:
        decoded = json.loads(base64.b64decode(value, validate=True))
    except (ValueError, RecursionError) as exc:
        raise MalformedPayment("The x402 payment header is not Base64 of JSON.") from exc
    if not isinstance(decoded, dict):
        raise MalformedPayment("The x402 payment header holds no JSON object.")
    return decoded


def _credential(version: int, decoded: dict[str, Any], terms: Terms) -> X402Credential:
    if type(decoded.get("x402Version")) is not int or decoded["x402Version"] != version:
        raise MalformedPayment(f"x402Version must be {version} in this header.")
    try:
        payment = (PaymentPayloadV1 if version == 1 else PaymentPayload).model_validate(decoded)
        signed = SignedAuthorization.model_validate(payment.payload)
    except ValueError as exc:
        raise MalformedPayment(
            f"The x402 payment is not a version {version} payment with an EIP-3009 authorization and signature."
        ) from exc
    if "permit2Authorization" in payment.payload:
        raise MalformedPayment("Permit2 payments are not taken; send an EIP-3009 authorization.")
    return X402Credential(
        rail=RAIL,
        payment_id=_payment_id(signed, terms),
        fingerprint=signed.fingerprint,
        idempotency_key=read_identifier(payment.extensions) if isinstance(payment, PaymentPayload) else None,
        version=version,
        scheme=payment.get_scheme(),
        network=payment.get_network(),
        accepted=payment.accepted if isinstance(payment, PaymentPayload) else None,
        signed=signed,
    )


def _payment_id(signed: SignedAuthorization, terms: Terms) -> str:
    authorization = signed.authorization
    return f"{terms.network.caip2}:{terms.asset}:{authorization.payer}:{authorization.nonce}".lower()


def write_challenge(terms: Terms, units: int, url: str, rejection: str | None) -> Challenge:
    """The quote in both versions: the header for v2, the body's members for v1 (its networks only, no null members)."""
    v2 = PaymentRequired(
        error=rejection or _UNPAID[2],
        resource=ResourceInfo(url=url, description=terms.description, mime_type=MIME_TYPE),
        accepts=[terms.requirements(units)],
        extensions={payment_identifier.NAME: payment_identifier.DECLARATION},
    )
    v1 = PaymentRequiredV1(error=rejection or _UNPAID[1], accepts=[terms.requirements_v1(units, url)])
    return Challenge(
        headers=(("PAYMENT-REQUIRED", encode_payment_required_header(v2)),),
        members=v1.model_dump(by_alias=True, exclude_none=True),
    )


def write_receipt(receipt: Receipt, credential: X402Credential, terms: Terms) -> HeaderFields:
    """The receipt in the credential's version; a pure function of the receipt, so replays are byte-identical."""
    v1 = credential.version == 1
    settled = SettleResponse(
        success=True,
        transaction=receipt.transaction,
        network=terms.network.v1_name if v1 else receipt.network,
        payer=to_checksum_address(receipt.payer),
    )
    return (("X-PAYMENT-RESPONSE" if v1 else "PAYMENT-RESPONSE", encode_payment_response_header(settled)),)
