"""A rail whose coins are words in a header: it settles at once and counts, or fails as it is told."""

import re
import time

from errors import MalformedPayment
from payments.rail import Challenge, Credential, HeaderFields, Order, Payment, Receipt, values


class CoinRail:
    """`X-PAYMENT: coin-1` pays; set an error to have the step of its name fail."""

    def __init__(self, name: str = "coin", header: str = "x-payment") -> None:
        self.name = name
        self.header = header
        self.verify_error: Exception | None = None
        self.settle_error: Exception | None = None
        self.fault: str | None = None
        self.verified = 0
        self.settled: list[str] = []

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """A quote in the form of all rails: a header field, and members of an x402 v1 body."""
        offer = {"network": "coins", "resource": order.url, "maxAmountRequired": str(order.price.base_units(6))}
        return Challenge(
            (("WWW-Authenticate", f'Payment id="{self.name}"'),),
            {"x402Version": 1, "error": rejection or "payment required", "accepts": [offer]},
        )

    def credential(self, headers: HeaderFields) -> Credential | None:
        """The coin in the header."""
        coins = values(headers, self.header)
        if not coins:
            return None
        if len(coins) > 1 or not re.fullmatch(r"coin-\w+", coins[0]):
            raise MalformedPayment("A coin reads coin-1.")
        return Credential(self.name, f"{self.name}:{coins[0]}", coins[0])

    async def verify(self, credential: Credential, order: Order) -> Payment:
        """Valid for a minute, unless told otherwise."""
        self.verified += 1
        if self.verify_error:
            raise self.verify_error
        units = order.price.base_units(6)
        return Payment(credential.payment_id, self.name, "0xbuyer", units, int(time.time()) + 60, {})

    async def settle(self, payment: Payment, credential: Credential) -> Receipt:
        """Take the coin, unless told otherwise."""
        if self.settle_error:
            raise self.settle_error
        self.settled.append(payment.id)
        return Receipt(self.name, "coins", f"0x{len(self.settled)}", payment.payer, int(time.time()))

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """None: what settled is always written down here."""
        return None

    def receipt_headers(self, receipt: Receipt, credential: Credential) -> HeaderFields:
        """The transaction in a header."""
        return (("Payment-Receipt", receipt.transaction),)

    async def health(self) -> str | None:
        """Well, unless told otherwise."""
        return self.fault

    async def aclose(self) -> None:
        """Nothing to give back."""
