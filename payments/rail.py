"""The port that every payment rail implements, and its values.

A rail is a payment scheme on a network (x402: USDC on Base; MPP: pathUSD on Tempo), with its own wire format and chain.
It depends on neither the ledger nor imaging. The sale determines the order of the steps.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from payments.order import Order
from payments.transfers import Transfer

HeaderFields = tuple[tuple[str, str], ...]
"""Header fields in order, repeats allowed; names of request fields are lower case."""


def values(headers: HeaderFields, name: str) -> list[str]:
    """All values of one field; `name` in lower case."""
    return [value for field_name, value in headers if field_name == name]


@dataclass(frozen=True, slots=True)
class Challenge:
    """A rail's part of the 402: header fields (repeats allowed) and members of the JSON body."""

    headers: HeaderFields
    members: Mapping[str, Any]


@dataclass(frozen=True)
class Credential:
    """A payment header that is well-formed but not verified. Rails subclass it with the parsed fields.

    Attributes:
        rail: name of its rail.
        payment_id: the ledger's key (x402 `chain:asset:payer:nonce`, MPP the challenge id).
        fingerprint: hex SHA-256 of the signed content; equal for the identical payment.
        idempotency_key: the buyer's name for the purchase (see idempotency.py).
    """

    rail: str
    payment_id: str
    fingerprint: str
    idempotency_key: str | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Payment:
    """A verified payment that has not settled, with the data that is needed to ask the chain about it later.

    Attributes:
        id: `Credential.payment_id`.
        payer: address derived from the signature, lower case.
        amount: base units.
        valid_before: unix seconds after which it can no longer settle.
        transaction: the hash, if it is known before broadcast (MPP pull); unique in the ledger.
        funds: the payer's balance at verification in base units, if known; not stored in the ledger.
        work_by: unix seconds after which the work must not begin; not stored in the ledger.
        currency: contract of the token; the ledger stores it in `Entry.sold` only.
        evidence: strings that `Rail.find_receipt` and `Rail.recheck` need after a restart. Contains no secret of this
            service, but may contain the payer's signed transaction (MPP), so it is never logged.
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
        """Address of the token, lower case; `unknown` if the rail recorded none."""
        return (self.evidence.get("asset") or self.evidence.get("currency") or "unknown").lower()


@dataclass(frozen=True, slots=True)
class Hold:
    """The right to settle a payment.

    Attributes:
        holder: the holder in the ledger's entry; None grants no right, so our own key sends nothing.
        not_after: end of the right, unix seconds by the clock of ledger and outbox.
        limit: the same moment or an earlier one by the event loop's monotonic clock.
    """

    holder: str | None = None
    not_after: float = math.inf
    limit: float = math.inf


NO_HOLD = Hold()


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a settlement: `at` is unix seconds; `payer` and `transaction` are as on the chain."""

    rail: str
    network: str
    transaction: str
    payer: str
    at: int


class Finality(StrEnum):
    """State of a recorded settlement on the chain; see `Rail.recheck`."""

    FINAL = "final"
    """In the chain, with the required number of blocks on top."""
    PENDING = "pending"
    """In the chain with fewer blocks on top, or dropped but still able to return."""
    LOST = "lost"
    """Permanently dropped: no money moved, and this service can no longer move it."""


@dataclass(frozen=True)
class PaymentAttempt(ABC):
    """A request's payment, bound to the rail that read it.

    Every method that can wait is a coroutine and never blocks the event loop.

        payment = await attempt.verify(order)    # moves no money
        ...the work...
        receipt = await attempt.settle(payment)  # the last step
    """

    credential: Credential

    @abstractmethod
    def signer(self) -> str | None:
        """The payer's address, lower case, if the signature proves it; None if only the chain can tell.

        Cheap, without a network call. It does not verify the payment.
        """

    @property
    def work_by(self) -> float:
        """Unix seconds after which the work must not begin, by what the payment says of itself; -inf: it says nothing.

        Cheap, and not verified.
        """
        return -math.inf

    @abstractmethod
    async def verify(self, order: Order) -> Payment:
        """Verify the payment: local checks first, the chain last. Moves and reserves no money.

        Raises:
            PaymentRejected: with the specification's reason. It proves that no money moved: if the payment could have
                been used, the chain was asked.
            PaymentSpentElsewhere: the chain shows it as used. The sale asks the ledger again before it reports this.
            DeadlineUnreachable: valid, but not long enough for the work and the settlement.
            RailUnavailable: chain or facilitator did not respond.
        """

    @abstractmethod
    async def settle(self, payment: Payment, *, hold: Hold = NO_HOLD) -> Receipt:
        """Settle the payment that `verify` returned; idempotent per payment id. Sends nothing after `hold` has expired
        or was lost, because then another process may decide about the payment.

        Raises:
            PaymentRejected: the chain proves that no money moved, and this service can no longer move it.
            DeadlineUnreachable: too little time is left, so nothing was sent.
            PaymentSpentElsewhere: money moved, provably not by this ledger's settlement.
            PaymentOutcomeUnknown: every other outcome without a receipt.
        """

    @abstractmethod
    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """As `Rail.find_receipt`, for a payment that its buyer has sent again. The rail may settle it now, if its first
        attempt may have been lost and the chain accepts the payment only once."""

    @abstractmethod
    def receipt_headers(self, receipt: Receipt) -> HeaderFields:
        """The receipt as response headers in the format of this payment."""

    @abstractmethod
    def refusal_headers(self, reason: str) -> HeaderFields:
        """Response headers for a refusal of this payment, in addition to a new challenge.

        `reason` is the rail's code.
        """


class ReceiptFinder(Protocol):
    """Finds the outcome of a payment: its rail or, if the payment was sent again, its attempt."""

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """See `Rail.find_receipt`."""
        ...


class Rail(Protocol):
    """A payment scheme on a network. `read` returns a `PaymentAttempt`; the other methods need none, so that they also
    work after a restart.

    Every method that can wait is a coroutine and never blocks the event loop. Exceptions of the rail's libraries are
    mapped to `errors` inside the rail.
    """

    name: str

    async def challenge(self, order: Order, rejection: str | None = None) -> Challenge:
        """Quote an order, without a network call. `rejection` is the rail's reason code if a payment was refused."""
        ...

    def read(self, headers: HeaderFields) -> PaymentAttempt | None:
        """Read this rail's payment header; None if there is none. Cheap: no signature check, no network call.

        Raises:
            MalformedPayment: the header is unreadable or too large, or contains two different payments.
            PaymentRejected: unreadable, if the rail's specification requires a new quote as the response.
        """
        ...

    async def find_receipt(self, payment: Payment) -> Receipt | None:
        """Ask the chain for the outcome of a payment whose settlement began. None: no money moved, and this service can
        no longer move it unless `settle` is called again.

        Raises:
            PaymentSpentElsewhere: money moved, provably not by this ledger's settlement.
            PaymentOutcomeUnknown: the chain does not respond, or has not decided yet.
        """
        ...

    async def recheck(self, payment: Payment, receipt: Receipt) -> Finality:
        """Ask the chain again about a settled payment, because a chain can drop its latest blocks. A dropped payment
        that is still valid is sent again, if the rail keeps what it sent.

        Raises:
            PaymentOutcomeUnknown: the chain does not respond.
        """
        ...

    async def transfers(self, since: float, until: float) -> list[Transfer]:
        """All transfers to our address in blocks from `since` (included) to `until` (excluded), unix seconds, oldest
        first, payments or not. Reads the chain in limited ranges; a day may need hundreds of calls.

        Raises:
            RailUnavailable: the chain does not respond.
        """
        ...

    async def health(self) -> str | None:
        """None if the rail accepts payments, else one public sentence that states the fault.

        `RailMonitor` limits its time.
        """
        ...

    async def aclose(self) -> None:
        """Close connections and stop background tasks."""
        ...
