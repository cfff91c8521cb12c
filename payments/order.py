"""What a payment buys: one request at one price, and the digests that identify it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from payments.money import Price

_HALF = 32

BEGINNING_BYTES = 65_536
"""Bytes of an unpaid image that are at least known when it is quoted, unless the image is shorter."""


@dataclass(frozen=True, slots=True)
class JsonCall:
    """How to buy with JSON: an example of the request body and of the response, and the JSON schema of each."""

    body: Mapping[str, Any]
    body_schema: Mapping[str, Any]
    answer: Mapping[str, Any]
    answer_schema: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """What one payment buys: one body with its parameters, at one URL, for one price.

    Attributes:
        url: absolute public URL of the resource, with the part of the query that determines its price.
        method: HTTP method, upper case.
        body: the uploaded bytes; empty for a discovery probe.
        parameters: everything else that determines the result, as names and values.
        price: the current price.
        previous_price: the price before the operator changed it; a payment of this amount is still accepted.
        is_whole: False if `body` is only the beginning of the upload, as in the order of an unpaid image. Such an order
            can be quoted, not sold.
        media_type: of the result.
        product: name of the product for accounting.
        facts: further facts about the product for the receipt.
        json_call: how to buy the same with JSON.
        is_reference: whether `body` only contains the URL of the image.
        content: the image that was fetched from this URL; None before that.
    """

    url: str
    method: str
    body: bytes = field(repr=False)
    parameters: tuple[tuple[str, str], ...]
    price: Price
    previous_price: Price | None = None
    is_whole: bool = True
    media_type: str = "image/png"
    product: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    json_call: JsonCall | None = field(default=None, repr=False)
    is_reference: bool = False
    content: bytes | None = field(default=None, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether the image must still be fetched."""
        return self.is_reference and self.content is None

    @cached_property
    def input_sha256(self) -> str:
        """SHA-256 of the image, in hex; for an open order, of the reference."""
        return hashlib.sha256(self.body if self.content is None else self.content).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over body and parameters: identifies the request."""
        return self.result if self.content is None else self._digest(hashlib.sha256(self.body).digest())

    @cached_property
    def result(self) -> str:
        """Hex SHA-256 over image and parameters: orders with the same value get the same result. Not for open
        orders."""
        return self._digest(bytes.fromhex(self.input_sha256))

    @property
    def bought(self) -> str:
        """What the ledger stores of the order, 64 digits: `result`; for a reference, half of `digest` and half of
        `result`."""
        return self.digest[:_HALF] + self.result[:_HALF] if self.is_reference else self.result

    def result_bought(self, bought: str) -> str | None:
        """The beginning of the result that was bought (see `is_result`) if the ledger stored this order as `bought`;
        None if it stored another order.

        The same reference is the same order, even if its URL now returns another image. The image that was fetched from
        it is the same order too, however it is sent.
        """
        if self.is_reference and bought[:_HALF] == self.digest[:_HALF]:
            return bought[_HALF:]
        if not self.is_open and (bought == self.result or bought[_HALF:] == self.result[:_HALF]):
            return self.result[:_HALF]
        return None

    def is_result(self, beginning: str) -> bool:
        """Whether the result of this order, which must not be open, begins with these digits."""
        return self.result.startswith(beginning)

    @cached_property
    def beginning(self) -> str:
        """Hex SHA-256 over the beginning of the body and the parameters: an unpaid order of a large image has no more.
        Different orders may have the same value."""
        return self._digest(hashlib.sha256(memoryview(self.body)[:BEGINNING_BYTES]).digest())

    def price_for(self, amount: int, decimals: int) -> Price:
        """The price that a payment of `amount` base units must match: the previous one if it is exactly that, else the
        current one."""
        earlier = self.previous_price
        return earlier if earlier and earlier.base_units(decimals) == amount else self.price

    def _digest(self, body: bytes) -> str:
        head = "&".join(f"{name}={value}" for name, value in sorted(self.parameters))
        return hashlib.sha256(body + head.encode()).hexdigest()
