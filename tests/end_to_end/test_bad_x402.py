"""x402 payments that cannot be read or cannot pay, in both versions, for a picture that is sound."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.clients.purchase_client import RECEIPT_HEADER, PurchaseClient, Way
from tests.contracts.rail_contract import FAULTS
from tests.end_to_end.cheats import Version, pay_badly
from tests.end_to_end.refusals import assert_refused

pytestmark = pytest.mark.usefixtures("nothing_charged")

VERSIONS: tuple[Version, ...] = (1, 2)
HEADER: dict[Version, str] = {1: "X-PAYMENT", 2: "PAYMENT-SIGNATURE"}
WAY: dict[Version, Way] = {1: "x402 v1", 2: "x402 v2"}
TERMS = "invalid_payment_requirements"
SIGNED = {
    "amount": "invalid_exact_evm_payload_authorization_value_mismatch",
    "recipient": "invalid_exact_evm_payload_recipient_mismatch",
    "network": "invalid_network",
    "expired": "invalid_exact_evm_payload_authorization_valid_before",
    "signature": "invalid_exact_evm_payload_signature",
    "unfunded": "insufficient_funds",
}
REASONS: dict[Version, dict[str, str]] = {1: SIGNED, 2: SIGNED | {"amount": TERMS, "recipient": TERMS}}
"""Version 2 says which terms it accepts, so that wrong ones are found before what was signed is looked at."""


def encoded(content: Any) -> str:
    return base64.b64encode(json.dumps(content).encode()).decode()


def decoded(header: str) -> Any:
    return json.loads(base64.b64decode(header))


MALFORMED = {
    "no Base64": "not base64!",
    "no JSON": base64.b64encode(b"{").decode(),
    "no object": encoded([]),
    "deep nesting": base64.b64encode(b"[" * 6_000).decode(),
    "no version": encoded({}),
    "an unknown version": encoded({"x402Version": 3}),
    "version 1 without payment": encoded({"x402Version": 1}),
    "version 2 without payment": encoded({"x402Version": 2}),
    "8,193 characters": "A" * 8_193,
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("value", MALFORMED.values(), ids=MALFORMED.keys())
async def test_a_payment_that_cannot_be_read_is_malformed(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version, value: str
) -> None:
    answer = await buyer_for(WAY[version]).post(picture, {HEADER[version]: value})
    assert_refused(answer, 400, "malformed_payment", charged=None)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_header_larger_than_any_payment_is_not_read(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version
) -> None:
    answer = await buyer_for(WAY[version]).post(picture, {HEADER[version]: "A" * 60_000})
    assert_refused(answer, 431, "head_too_large", charged=None)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize(
    ("member", "value"),
    [("value", 50_000), ("value", "-50000"), ("value", "5e4"), ("value", "9" * 79), ("to", "seller"), ("nonce", "0x0")],
)
async def test_an_authorization_that_cannot_be_read_is_malformed(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version, member: str, value: object
) -> None:
    buyer = buyer_for(WAY[version])
    payment = decoded((await buyer.sign(picture))[HEADER[version]])
    payment["payload"]["authorization"][member] = value
    answer = await buyer.post(picture, {HEADER[version]: encoded(payment)})
    assert_refused(answer, 400, "malformed_payment", charged=None)


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_empty_header_is_no_payment(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version
) -> None:
    assert_refused(await buyer_for(WAY[version]).post(picture, {HEADER[version]: ""}), 402, "payment_required")


@pytest.mark.parametrize("ways", [("x402 v1", "x402 v2"), ("x402 v1", "mpp"), ("x402 v2", "mpp")])
async def test_two_payments_at_once_are_malformed(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, ways: tuple[Way, Way]
) -> None:
    one, other = (buyer_for(way) for way in ways)
    both = {**await one.sign(picture), **await other.sign(picture)}
    # Of two of one rail, none is read; two of different rails are asked after in the ledger.
    charged = False if "mpp" in ways else None
    assert_refused(await one.post(picture, both), 400, "malformed_payment", charged=charged)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_payment_that_cannot_pay_gets_the_reason_and_a_fresh_quote(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version, fault: str
) -> None:
    """The reason stands where clients of either version look for it, too."""
    buyer = buyer_for(WAY[version])
    answer = await buyer.post(picture, {HEADER[version]: await pay_badly(buyer, picture, version, fault)})
    reason = REASONS[version][fault]
    assert_refused(answer, 402, "payment_rejected", reason=reason)
    assert answer.json()["error"] == decoded(answer.headers["PAYMENT-REQUIRED"])["error"] == reason
    failed = decoded(answer.headers[RECEIPT_HEADER[WAY[version]]])
    assert (failed["success"], failed["errorReason"], failed["transaction"]) == (False, reason, "")


@pytest.mark.parametrize(
    ("version", "fault", "reason"),
    [
        (1, "network", SIGNED["signature"]),
        (2, "network", SIGNED["signature"]),
        (2, "amount", SIGNED["amount"]),
        (2, "recipient", SIGNED["recipient"]),
    ],
)
async def test_a_payment_that_says_what_was_quoted_but_signs_something_else_is_refused(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version, fault: str, reason: str
) -> None:
    buyer = buyer_for(WAY[version])
    said = decoded((await buyer.sign(picture))[HEADER[version]])
    signed = decoded(await pay_badly(buyer, picture, version, fault))
    answer = await buyer.post(picture, {HEADER[version]: encoded({**said, "payload": signed["payload"]})})
    assert_refused(answer, 402, "payment_rejected", reason=reason)


@pytest.mark.parametrize("version", VERSIONS)
async def test_a_payment_of_another_scheme_is_refused(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes, version: Version
) -> None:
    buyer = buyer_for(WAY[version])
    payment = decoded((await buyer.sign(picture))[HEADER[version]])
    (payment if version == 1 else payment["accepted"])["scheme"] = "upto"
    answer = await buyer.post(picture, {HEADER[version]: encoded(payment)})
    assert_refused(answer, 402, "payment_rejected", reason="invalid_scheme")


async def test_terms_that_were_never_quoted_are_refused(
    buyer_for: Callable[[Way], PurchaseClient], picture: bytes
) -> None:
    buyer = buyer_for("x402 v2")
    payment = decoded((await buyer.sign(picture))["PAYMENT-SIGNATURE"])
    payment["accepted"]["amount"] = "1"
    answer = await buyer.post(picture, {"PAYMENT-SIGNATURE": encoded(payment)})
    assert_refused(answer, 402, "payment_rejected", reason=TERMS)
