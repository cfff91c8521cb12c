"""A purchase step by step: ask, sign, buy. The official clients do all three in one call."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import randrange
from typing import Literal, Protocol

import httpx

from sandbox.accounts import BUYER, SELLER
from sandbox.chains import BaseChain, Chain, TempoChain
from sandbox.wallets import sign_mpp, sign_x402, sign_x402_v1
from tests.buying import ROUTE

Way = Literal["x402 v2", "x402 v1", "mpp"]
WAYS: tuple[Way, ...] = ("x402 v2", "x402 v1", "mpp")
RECEIPT_HEADER: dict[Way, str] = {
    "x402 v2": "payment-response",
    "x402 v1": "x-payment-response",
    "mpp": "payment-receipt",
}


class Seller(Protocol):
    """A service that sells, however it was started."""

    @property
    def url(self) -> str: ...
    @property
    def base_chain(self) -> BaseChain: ...
    @property
    def tempo_chain(self) -> TempoChain: ...


@dataclass(frozen=True)
class PurchaseClient:
    """Buys one way from a running service, and comes from an address of its own.

    `parameters` is the query, without the question mark; `key` is the private key of the account that pays; `path` is
    the route that sells.
    """

    service: Seller
    client: httpx.AsyncClient
    way: Way
    address: str = field(default_factory=lambda: f"10.{randrange(256)}.{randrange(256)}.{randrange(256)}")
    key: str = BUYER.key
    path: str = ROUTE

    @property
    def chain(self) -> Chain:
        """The chain on which this way is paid."""
        return self.service.tempo_chain if self.way == "mpp" else self.service.base_chain

    def earned(self) -> int:
        """What the seller holds on that chain, in base units."""
        return self.chain.balance_of(SELLER.address)

    async def post(
        self, picture: bytes | AsyncIterator[bytes], headers: dict[str, str], parameters: str = ""
    ) -> httpx.Response:
        return await self.client.post(
            f"{self.service.url}{self.path}?{parameters}",
            content=picture,
            headers={"Content-Type": "image/jpeg", "X-Forwarded-For": self.address, **headers},
        )

    async def sign(self, picture: bytes, parameters: str = "", headers: dict[str, str] | None = None) -> dict[str, str]:
        """Ask for the quote of a picture and sign it: the header that pays."""
        quote = await self.post(picture, headers or {}, parameters)
        assert quote.status_code == 402, quote.text
        if self.way == "mpp":
            return await sign_mpp(self.key, quote.headers["WWW-Authenticate"], self.service.tempo_chain.rpc_url)
        if self.way == "x402 v1":
            return sign_x402_v1(self.key, quote.content)
        return sign_x402(self.key, quote.headers["PAYMENT-REQUIRED"])
