"""Honest buyers during an attack, each with its own address and account."""

import asyncio
import statistics
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import Self

import httpx
from eth_account import Account

from sandbox.wallets import sign_x402
from tests.buying import ROUTE
from tests.running_service import RunningService

PRICE = 50_000
_numbers = count(1)


@dataclass
class Buyer:
    """Buys images and records waiting times and outcomes."""

    service: RunningService
    key: str
    address: str
    client: httpx.AsyncClient
    seconds: list[float] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    @classmethod
    def funded(cls, service: RunningService, client: httpx.AsyncClient, purchases: int = 100) -> Self:
        """A buyer with funds for `purchases` images; the client may be shared."""
        account, number = Account.create(), next(_numbers)
        service.base_chain.fund(account.address, purchases * PRICE)
        return cls(service, "0x" + bytes(account.key).hex(), f"10.30.{number // 256}.{number % 256}", client)

    async def sign(self) -> dict[str, str]:
        """A signed payment for any image, not yet sent."""
        quote = await self._post(b"", {})
        assert quote.status_code == 402, quote.text
        return sign_x402(self.key, quote.headers["PAYMENT-REQUIRED"])

    async def buy(self, picture: bytes, payment: dict[str, str] | None = None) -> httpx.Response:
        """Send one paid request."""
        payment = await self.sign() if payment is None else payment
        began = time.monotonic()
        answer = await self._post(picture, {"Content-Type": "image/jpeg", **payment})
        self.seconds.append(time.monotonic() - began)
        self.outcomes[answer.json()["code"] if answer.status_code != 200 else "sold"] += 1
        return answer

    async def buy_with_retries(
        self, picture: bytes, payment: dict[str, str], *, seconds: float
    ) -> httpx.Response | None:
        """Send the same payment again, as told by Retry-After, until the image arrives or the time is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                answer = await self.buy(picture, payment)
            except httpx.HTTPError:
                await asyncio.sleep(0.5)
                continue
            wait_s = float(answer.headers.get("Retry-After", "1"))
            if answer.status_code == 200 or not answer.json()["retryable"] or time.monotonic() + wait_s > deadline:
                return answer
            await asyncio.sleep(wait_s)
        return None

    @property
    def p95(self) -> float:
        """Seconds within which 95 % of the responses arrived."""
        return statistics.quantiles(self.seconds, n=20)[-1] if len(self.seconds) > 1 else sum(self.seconds)

    async def _post(self, body: bytes, headers: dict[str, str]) -> httpx.Response:
        headers = {"X-Forwarded-For": self.address, **headers}
        return await self.client.post(f"{self.service.url}{ROUTE}", content=body, headers=headers)
