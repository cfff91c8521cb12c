"""x402 payments of customers who cheat or err."""

from typing import Literal

from payments.rail import Challenge
from tests.clients.purchase_client import PurchaseClient
from tests.payments.x402.buyer import X402Buyer

Version = Literal[1, 2]


async def pay_badly(buyer: PurchaseClient, picture: bytes, version: Version, fault: str) -> str:
    """Ask for a quote and sign it with one of `rail_contract.FAULTS`: the value of the payment header."""
    quote = await buyer.post(picture, {})
    challenge = Challenge((("PAYMENT-REQUIRED", quote.headers["PAYMENT-REQUIRED"]),), quote.json())
    [(_, value)] = await X402Buyer(buyer.chain, version=version, key=buyer.key).pay(challenge, fault)
    return value
