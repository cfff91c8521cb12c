"""What a wallet signs of a quote, and what it leaves alone, whoever quotes it."""

from typing import Any

import pytest
from mpp import Challenge
from x402.schemas import PaymentRequired, PaymentRequirements

from clearcanvas.quote import Offer, Quote
from clearcanvas.rails.mpp import Mpp
from clearcanvas.rails.x402 import LONGEST_S, USDC, X402

PAYEE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
BASE = "eip155:8453"
GOOD: dict[str, Any] = {
    "scheme": "exact",
    "network": BASE,
    "asset": USDC[BASE],
    "amount": "50000",
    "pay_to": PAYEE,
    "max_timeout_seconds": 120,
    "extra": {"name": "USD Coin", "version": "2"},
}
PATH_USD = "0x20c0000000000000000000000000000000000000"
REQUEST = {"amount": "50000", "currency": PATH_USD, "recipient": PAYEE, "methodDetails": {"chainId": 4217}}


def x402(**changes: Any) -> Quote:
    return Quote(PaymentRequired(accepts=[PaymentRequirements(**(GOOD | changes))]), ())


def mpp(method: str = "tempo", intent: str = "charge", **changes: Any) -> Quote:
    challenge = Challenge(id="1", method=method, intent=intent, request=REQUEST | changes, realm="host")
    return Quote(None, (challenge,))


def test_dollars_on_the_two_networks_are_paid() -> None:
    assert X402(None).offer(x402()) == Offer("x402", BASE, USDC[BASE], PAYEE, 50_000)
    assert Mpp(None).offer(mpp()) == Offer("mpp", "eip155:4217", PATH_USD, PAYEE, 50_000)
    assert X402(None).offer(mpp()) is None
    assert Mpp(None).offer(x402()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"network": "eip155:56"},
        {"asset": PAYEE},
        {"asset": USDC["eip155:84532"]},
        {"scheme": "upto"},
        {"amount": "0"},
        {"amount": "-50000"},
        {"amount": "0.05"},
        {"max_timeout_seconds": LONGEST_S + 1},
        {"extra": {"assetTransferMethod": "permit2"}},
        {"extra": {"paymentFlow": "upfront"}},
    ],
)
def test_anything_else_over_x402_is_left_alone(changes: dict[str, Any]) -> None:
    assert X402(None).offer(x402(**changes)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"method": "stripe"},
        {"intent": "session"},
        {"currency": PAYEE},
        {"amount": "0"},
        {"amount": "1e9"},
        {"recipient": ""},
        {"methodDetails": {"chainId": 1}},
        {"methodDetails": {"chainId": "4217"}},
        {"methodDetails": None},
    ],
)
def test_anything_else_over_mpp_is_left_alone(changes: dict[str, Any]) -> None:
    assert Mpp(None).offer(mpp(**changes)) is None
