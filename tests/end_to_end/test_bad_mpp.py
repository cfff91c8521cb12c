"""MPP credentials that cannot be read or cannot pay, for a picture that is sound.

What cannot be read is answered with a fresh quote, as the `Payment` scheme demands; what no client of it sends is
answered 400.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import mpp
import pytest

from api.room import SMALL_BYTES
from payments.rail import Challenge
from tests.buying import photograph
from tests.clients.purchase_client import PurchaseClient, Way
from tests.contracts.rail_contract import FAULTS
from tests.end_to_end.refusals import assert_refused
from tests.payments.mpp.buyer import MppBuyer, sign

pytestmark = pytest.mark.usefixtures("nothing_charged")

PROBLEMS = "https://paymentauth.org/problems/"
REASONS = dict.fromkeys(FAULTS, "verification-failed") | {
    "expired": "payment-expired",
    "unfunded": "payment-insufficient",
}


def encoded(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


UNREADABLE = {
    "nothing": "",
    "no base64url": "%%%",
    "no JSON": base64.urlsafe_b64encode(b"{").decode(),
    "no object": encoded([]),
    "deep nesting": base64.urlsafe_b64encode(b"[" * 6_000).decode(),
    "no challenge": encoded({"payload": {}}),
}


@pytest.fixture
def buyer(buyer_for: Callable[[Way], PurchaseClient]) -> PurchaseClient:
    return buyer_for("mpp")


@pytest.mark.parametrize("value", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_a_credential_that_cannot_be_read_gets_a_fresh_quote(
    buyer: PurchaseClient, picture: bytes, value: str
) -> None:
    answer = await buyer.post(picture, {"Authorization": f"Payment {value}".strip()})
    _assert_rejected(answer, "malformed-credential", charged=None)


@pytest.mark.parametrize(
    ("size", "status", "code"), [(16_384, 400, "malformed_payment"), (60_000, 431, "head_too_large")]
)
async def test_a_credential_over_the_limit_is_not_read(
    buyer: PurchaseClient, picture: bytes, size: int, status: int, code: str
) -> None:
    answer = await buyer.post(picture, {"Authorization": "Payment " + "A" * size})
    assert_refused(answer, status, code, charged=None)


async def test_two_credentials_are_malformed(buyer: PurchaseClient, picture: bytes) -> None:
    one, other = [(await buyer.sign(picture))["Authorization"] for _ in range(2)]
    answer = await buyer.post(picture, {"Authorization": f"{one}, {other}"})
    assert_refused(answer, 400, "malformed_payment", charged=None)


async def test_another_payment_method_is_malformed(buyer: PurchaseClient, picture: bytes) -> None:
    credential = sign(replace(await _asked(buyer, picture), method="stripe"), key=buyer.key)
    answer = await buyer.post(picture, {"Authorization": credential.to_authorization()})
    assert_refused(answer, 400, "malformed_payment", charged=None)
    assert answer.json()["type"] == PROBLEMS + "method-unsupported"


async def test_what_authorizes_something_else_is_no_payment(buyer: PurchaseClient, picture: bytes) -> None:
    answer = await buyer.post(picture, {"Authorization": "Bearer token"})
    assert_refused(answer, 402, "payment_required")


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_payment_that_cannot_pay_gets_the_reason_and_a_fresh_quote(
    buyer: PurchaseClient, picture: bytes, fault: str
) -> None:
    challenge = Challenge((("WWW-Authenticate", await _quoted(buyer, picture)),), {})
    payment = await MppBuyer(buyer.service.tempo_chain, key=buyer.key).pay(challenge, fault)
    answer = await buyer.post(picture, dict(payment))
    _assert_rejected(answer, REASONS[fault])
    assert dict(challenge.headers)["WWW-Authenticate"] not in answer.headers.get_list("WWW-Authenticate")


@pytest.mark.parametrize("change", [{"id": "A" * 43}, {"realm": "elsewhere"}, {"expires": "2099-01-01T00:00:00Z"}])
async def test_a_challenge_that_was_not_issued_here_is_refused(
    buyer: PurchaseClient, picture: bytes, change: dict[str, Any]
) -> None:
    credential = sign(replace(await _asked(buyer, picture), **change), key=buyer.key)
    answer = await buyer.post(picture, {"Authorization": credential.to_authorization()})
    _assert_rejected(answer, "invalid-challenge")


async def test_a_quote_for_another_picture_is_refused(buyer: PurchaseClient) -> None:
    """Of a picture that was read whole to be quoted; of larger ones only the beginning is."""
    small = photograph(quality=50)
    assert len(small) < SMALL_BYTES
    payment = await buyer.sign(small)
    answer = await buyer.post(small + b"\0", payment)
    _assert_rejected(answer, "invalid-challenge")


async def test_the_hash_of_no_transaction_is_refused(buyer: PurchaseClient, picture: bytes) -> None:
    """Push mode: the money would be gone before there is a picture."""
    asked = await _asked(buyer, picture)
    credential = mpp.Credential(asked.to_echo(), {"type": "hash", "hash": "0x" + "1" * 64})
    answer = await buyer.post(picture, {"Authorization": credential.to_authorization()})
    _assert_rejected(answer, "verification-failed")


def _assert_rejected(answer: httpx.Response, reason: str, *, charged: bool | None = False) -> None:
    assert_refused(answer, 402, "payment_rejected", reason=reason, charged=charged)
    assert answer.json()["type"] == PROBLEMS + reason


async def _asked(buyer: PurchaseClient, picture: bytes) -> mpp.Challenge:
    return mpp.Challenge.from_www_authenticate(await _quoted(buyer, picture))


async def _quoted(buyer: PurchaseClient, picture: bytes) -> str:
    """The challenge for the first coin."""
    first: str = (await buyer.post(picture, {})).headers.get_list("WWW-Authenticate")[0]
    return first
