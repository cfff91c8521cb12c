"""The port every payment rail implements, and the nouns that cross it.

A rail is one way to be paid: a scheme on a network (x402: USDC on Base; MPP: pathUSD on Tempo). It speaks its own
wire format and its own chain, and knows neither the ledger nor pictures. The sale owns the order of things.
"""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, Protocol

from payments.money import Price
from payments.transfers import Transfer

HeaderFields = tuple[tuple[str, str], ...]
"""Header fields in order, repeats allowed; names of a request's fields are lower case."""


_HALF = 32

BEGINNING_BYTES = 65_536
"""At least so much of an unpaid picture is known when it is quoted, or all of it."""


def values(headers: HeaderFields, name: str) -> list[str]:
    """All values of one field; `name` in lower case."""
    return [value for field_name, value in headers if field_name == name]


@dataclass(frozen=True, slots=True)
class JsonCall:
    """How what is sold is bought with JSON: an example of the body and of the answer, and the JSON schema of each."""

    body: Mapping[str, Any]
    body_schema: Mapping[str, Any]
    answer: Mapping[str, Any]
    answer_schema: Mapping[str, Any]


@dataclass(frozen=True)
class Order:
    """What one payment buys: one body with its parameters, at one address, for one price.

    Attributes:
        url: absolute public URL of the resource, with the part of the query that decides its price.
        method: HTTP method, upper case.
        body: the uploaded bytes; empty for a discovery probe.
        parameters: everything else that decides the answer, as names and values.
        price: what it costs.
        previous_price: what it cost before the operator changed the price; a payment of as much still buys it.
        is_whole: False where `body` is only the beginning of what was sent, as in the order of an unpaid picture; such
            an order can be quoted, not sold.
        media_type: of what is delivered.
        product: what is sold, as the books call it.
        facts: what else the receipt says of what is sold.
        json_call: how the same is bought with JSON.
        is_reference: whether `body` only says where the picture is.
        content: the picture that was found there; None as long as nobody has looked.
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
        """Whether the picture is still to be fetched."""
        return self.is_reference and self.content is None

    @cached_property
    def input_sha256(self) -> str:
        """Of the picture, in hex; of an order that is open, of the reference."""
        return hashlib.sha256(self.body if self.content is None else self.content).hexdigest()

    @cached_property
    def digest(self) -> str:
        """Hex SHA-256 over body and parameters: what was asked for."""
        return self.result if self.content is None else self._digest(hashlib.sha256(self.body).digest())

    @cached_property
    def result(self) -> str:
        """Hex SHA-256 over the picture and parameters: two orders with one result get the same bytes. Not of one that
        is open."""
        return self._digest(bytes.fromhex(self.input_sha256))

    @property
    def bought(self) -> str:
        """What the ledger keeps of it, 64 digits: the result, after a reference half of each of the two."""
        return self.digest[:_HALF] + self.result[:_HALF] if self.is_reference else self.result

    def result_bought(self, bought: str) -> str | None:
        """The beginning of the result that was bought (what `is_result` compares), if this order is the one that was
        kept as `bought`; None if it is another one.

        A reference is the same whatever it leads to by now, and so is the picture that was found, in whatever form it
        comes.
        """
        if self.is_reference and bought[:_HALF] == self.digest[:_HALF]:
            return bought[_HALF:]
        if not self.is_open and (bought == self.result or bought[_HALF:] == self.result[:_HALF]):
            return self.result[:_HALF]
        return None

    def is_result(self, beginning: str) -> bool:
        """Whether this order, which is not open, gets that result."""
        return self.result.startswith(beginning)

    @cached_property
    def beginning(self) -> str:
        """The same over the beginning of the body, which is all that an unpaid order has of a large picture. Two
        orders may have the same."""
        return self._digest(hashlib.sha256(memoryview(self.body)[:BEGINNING_BYTES]).digest())

    def price_for(self, amount: int, decimals: int) -> Price:
        """Which of its prices a payment of `amount` base units is to be judged by."""
        earlier = self.previous_price
        return earlier if earlier and earlier.base_units(decimals) == amount else self.price

    def _digest(self, body: bytes) -> str:
        head = "&".join(f"{name}={value}" for name, value in sorted(self.parameters))
        return hashlib.sha256(body + head.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Challenge:
    """A rail's part of the 402: header fields (repeats allowed) and members of the JSON body."""

    headers: HeaderFields
    members: Mapping[str, Any]


@dataclass(frozen=True)
class Credential:
    """A payment header, read and well-formed but not yet believed. Rails subclass it with what they parsed.

    Attributes:
        rail: name of the rail it is addressed to.
        payment_id: the ledger's key (x402 `chain:asset:payer:nonce`, MPP the challenge id).
        fingerprint: hex SHA-256 of the signed content: equal means the very same payment was sent again.
        idempotency_key: the buyer's own name for the purchase (see idempotency.py).
    """

    rail: str
    payment_id: str
    fingerprint: str
    idempotency_key: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Payment:
    """A verified payment that has not moved yet, with all that is needed to ask the chain about it later.

    Attributes:
        id: `Credential.payment_id`.
        payer: address derived from the signature, lower case.
        amount: base units.
        valid_before: unix seconds after which it can no longer settle.
        transaction: the hash, where it is known before broadcast (MPP pull); unique in the ledger.
        funds: base units that the payer held at verification, where the rail could see them; not kept in the ledger.
        work_by: unix seconds after which the work may not begin any more; not kept in the ledger.
        currency: contract of the token that it moves; the ledger keeps it in `Entry.sold` only.
        evidence: plain strings that `Rail.find_receipt` and `Rail.recheck` need after a restart. Holds no secret of
            ours; the payer's signed transaction may be in it (MPP), so it is never logged.
    """

    id: str
    rail: str
    payer: str
    amount: int
    valid_before: int
    evidence: Mapping[str, str] = field(repr=False)
    transaction: str | None = None
    funds: int | None = field(default=None, compare=False)
    work_by: float = field(default=math.inf, compare=False)
    currency: str = field(default="", compare=False)

    @property
    def coin(self) -> str:
        """Address of the token, lower case, which a rail keeps under one of these names; `unknown` without one."""
        return (self.evidence.get("asset") or self.evidence.get("currency") or "unknown").lower()


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to move a payment's money.

    Attributes:
        holder: token of the settlement, as the ledger's entry has it; None: nobody's, so our own key sends nothing.
        not_after: until when, unix seconds by the ledger's clock, which is the outbox's.
        limit: the same moment or an earlier one by `asyncio`'s clock, which cannot be set.
    """

    holder: str | None = None
    not_after: float = math.inf
    limit: float = math.inf


NO_HOLD = Hold()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that a payment settled: `at` is unix seconds; `payer` and `transaction` as on the chain."""

    rail: str
    network: str
    transaction: str
    payer: str
    at: int


class Finality(StrEnum):
    """What the chain says about a settlement after it was written down; see `Rail.recheck`."""

    FINAL = "final"
    """In the chain, with as many blocks on top as the rail asks for."""
    PENDING = "pending"
    """In the chain but not that deep, or gone from it while it can still come back."""
    LOST = "lost"
    """Gone from the chain for good: the money did not move, and nothing of ours can move it any more."""


@dataclass(frozen=True)
class PaymentAttempt(ABC):
    """A payment that came with a request, bound to the rail that read it.

    Every method that can wait is a coroutine and never blocks the event loop.

        payment = await attempt.verify(order)    # moves nothing
        ...the work...
        receipt = await attempt.settle(payment)  # the terminal step
    """

    credential: Credential

    @abstractmethod
    def signer(self) -> str | None:
        """The payer's address, lower case, where the signature proves it; None where only the chain can tell.

        Cheap and without a network call. It says nothing else about the payment.
        """

    @abstractmethod
    async def verify(self, order: Order) -> Payment:
        """Judge the payment, local checks first, the chain last. Moves and reserves nothing.

        Raises:
            PaymentRejected: with the specification's reason. As every other refusal it holds a proof: where the chain
                could know the payment as used, it was asked.
            PaymentSpentElsewhere: the chain knows it as used. The gate asks its ledger again before it passes that on.
            DeadlineUnreachable: valid, but too little time is left for the work and the settlement.
            RailUnavailable: chain or facilitator did not answer.
        """

    @abstractmethod
    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        """Move the money of the payment that `verify` gave; idempotent per payment id. Sends nothing any more once
        `hold` is over or lost: from then on others may judge the payment.

        Raises:
            PaymentRejected: the chain proves that nothing moved and nothing of ours can still move it.
            DeadlineUnreachable: too little time is left, so nothing was sent.
            PaymentSpentElsewhere: it moved, by a settlement that is proven not to be this ledger's.
            PaymentOutcomeUnknown: anything else that is not a receipt.
        """

    @abstractmethod
    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """As `Rail.find_receipt`, for this same payment that its buyer has sent again: a rail whose first attempt may
        have been lost, and whose chain takes the payment once at most, settles it now."""

    @abstractmethod
    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        """The receipt as the header fields that the sender of this payment expects."""

    @abstractmethod
    def refusal_headers(self, reason: str) -> HeaderFields:
        """What the sender of this payment expects on a refusal of it, beside the fresh challenge.

        `reason` is the rail's own code.
        """


class ReceiptFinder(Protocol):
    """Finds out what became of a payment: its rail or, when it was sent again, its attempt."""

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """See `Rail.find_receipt`."""
        ...


class Rail(Protocol):
    """One way to be paid. A payment that comes over it is read into a `PaymentAttempt`; the other methods need none,
    so they also work after a restart.

    Every method that can wait is a coroutine and never blocks the event loop. Whatever the rail's libraries raise
    is mapped to one of `errors` inside the rail.
    """

    name: str

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """Quote an order. Makes no network call. `rejection` is the rail's reason code when a payment was refused."""
        ...

    def read(self, headers: HeaderFields) -> PaymentAttempt | None:
        """Read this rail's payment header; None when there is none. Cheap: no signature check, no network.

        Raises:
            MalformedPayment: a header of this rail that cannot be read or is too large, or two different payments.
            PaymentRejected: unreadable, where the rail's specification answers that with a fresh quote.
        """
        ...

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """Ask the chain what became of a payment that we began to settle; None: proven unmoved, and nothing of
        ours can still move it unless `settle` is called again.

        Raises:
            PaymentSpentElsewhere: it moved, by a settlement that is proven not to be this ledger's.
            PaymentOutcomeUnknown: the chain cannot be asked, or can still go either way.
        """
        ...

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        """Ask the chain again about a payment that has settled: a chain can drop its latest blocks. A payment that is
        gone and still valid is sent again, where the rail keeps what it sent.

        Raises:
            PaymentOutcomeUnknown: the chain cannot be asked.
        """
        ...

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        """Every transfer to us in blocks from `since` on and before `until` (unix seconds), oldest first, whether it is
        a payment or not. Reads the chain in bounded ranges; a day may take hundreds of calls.

        Raises:
            RailUnavailable: the chain does not answer.
        """
        ...

    async def health(self) -> str | None:
        """None when payments can be taken, else one public sentence that says what is out.

        `RailMonitor` bounds the wait.
        """
        ...

    async def aclose(self) -> None:
        """Give back connections and threads."""
        ...
