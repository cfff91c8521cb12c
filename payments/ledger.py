"""The port of the ledger: what is known of each payment, shared by all workers and hosts.

Each transition is one atomic statement in the store, and returns whether it happened:

    (none) ──claim──▶ CLAIMED ──begin_settlement──▶ SETTLING ──settled──▶ SETTLED
      │                │   ▲                          │
      └─refuse─▶ abandoned ┘◀──release (unmoved) ─────┘

A claim has a lease, so a crash locks nothing; who outlived it holds nothing any more, whatever else has happened
since. A CLAIMED payment whose lease is over is *abandoned*: it is free, but it remembers that something happened.
Whoever looked a payment up before it was refused or released cannot claim it afterwards, because a buyer may have been
told in between that nothing was charged, and may have paid anew. Leases are written and judged by the store's own
clock. SETTLING means money may have moved: only the chain's word (`Rail.find_receipt`) leads out of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from payments.rail import Payment, Receipt
from payments.receipts.sold import Sold

MAX_IN_FLIGHT_WITHOUT_BALANCE = 8
"""Maximum payments in progress of a payer whose balance is unknown."""


class State(StrEnum):
    """Where a payment stands; see the module's drawing."""

    CLAIMED = "claimed"
    SETTLING = "settling"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment as the ledger knows it.

    Attributes:
        fingerprint, order_digest: what was sent and what it was to buy.
        holder: token of the request at work on it, opaque.
        lease_until: until when the holder is trusted to be alive, unix seconds by the ledger's clock: to be compared
            with no other one.
        lease_left_s: seconds until that moment when the ledger was asked; negative once it has passed.
        deliveries: how often the picture was handed out again after settlement.
        receipt: set exactly when the state is SETTLED.
        sold: what it buys, from SETTLING on; None in what was settled by versions that wrote down none.
    """

    payment: Payment
    state: State
    fingerprint: str
    order_digest: str
    holder: str
    lease_until: float
    lease_left_s: float
    deliveries: int
    receipt: Receipt | None
    sold: Sold | None = None

    @property
    def lease_runs(self) -> bool:
        """Whether the lease had not ended when the ledger was asked."""
        return self.lease_left_s > 0

    @property
    def is_abandoned(self) -> bool:
        """Whether it binds nothing: its holder went silent before any money could move, or it was refused."""
        return self.state is State.CLAIMED and not self.lease_runs


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on one payment, as long as its lease lasts."""

    payment_id: str
    holder: str


class Ledger(Protocol):
    """Every method raises `LedgerUnavailable` when the store does not answer."""

    async def find(self, payment_id: str) -> Entry | None:
        """What is known of a payment."""
        ...

    async def find_purchase(self, purchase: str) -> Entry | None:
        """What is known under the name that a payer gave to a purchase (see `claim`)."""
        ...

    async def find_receipt(self, receipt_id: str) -> Entry | None:
        """The SETTLED payment whose receipt has this id (`Sold.receipt_id`)."""
        ...

    async def free_purchase(self, purchase: str, *, at_most: int, not_after_s: float) -> bool:
        """Take a purchase's name from a SETTLED payment whose re-deliveries have reached the bound or the age (seconds
        since settlement); False while the payment keeps it."""
        ...

    async def claim(
        self,
        payment: Payment,
        *,
        seen: Entry | None,
        fingerprint: str,
        order_digest: str,
        lease_s: float,
        purchase: str | None = None,
        product: str | None = None,
    ) -> Claim | None:
        """Take a payment that is as it was when it was looked up: unknown (`seen` is None), or abandoned. None when
        anything has happened to it since.

        `purchase` is an idempotency key within its rail and payer: one payment has it at a time, and None is answered
        while another one does. As many payments of one payer are under way as `payment.funds` covers at this amount;
        when the rail does not know the funds, `MAX_IN_FLIGHT_WITHOUT_BALANCE`. `product` is for the operator's books.

        Raises:
            PaymentUsed: its transaction is known under another payment id.
            FundsUnderWay: the payer has too many payments under way.
        """
        ...

    async def renew(self, claims: Collection[Claim], *, lease_s: float) -> set[Claim]:
        """Lengthen the running leases of CLAIMED payments, for their holders; the claims that were not lost."""
        ...

    async def begin_settlement(self, claim: Claim, *, lease_s: float, sold: Sold | None = None) -> float | None:
        """CLAIMED → SETTLING, only for the holder while its lease runs; when the new lease ends, unix seconds by the
        ledger's clock. None when the claim was lost. What is sold is written down at once: it is there, whatever
        happens to this process while the money moves."""
        ...

    async def settled(self, payment_id: str, receipt: Receipt) -> bool:
        """SETTLING → SETTLED; False when it was not SETTLING."""
        ...

    async def release(self, claim: Claim) -> bool:
        """Abandon a payment that provably moved nothing; only for the holder, never from SETTLED."""
        ...

    async def refuse(self, payment_id: str, rail: str) -> bool:
        """Write down that an unknown or abandoned payment was refused: nobody who held it or looked it up before can
        take it afterwards. False when somebody holds it, or it may have moved."""
        ...

    async def take_over(self, payment_id: str, *, lease_s: float) -> Claim | None:
        """Become the holder of a SETTLING payment whose lease has expired. Returns None if another process did it."""
        ...

    async def mark_unresolved(self, claim: Claim) -> None:
        """End the holder's lease on a SETTLING payment, so that the next re-send or the resolver may ask the chain."""
        ...

    async def count_delivery(self, payment_id: str, *, at_most: int, not_after_s: float) -> bool:
        """Count one more re-delivery of a SETTLED payment; False when the bound or the age (seconds since
        settlement) is reached."""
        ...

    async def uncount_delivery(self, payment_id: str) -> None:
        """Take back one count of a re-delivery that could not be made."""
        ...

    async def in_doubt(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLING entries of these rails whose lease ran out, oldest first: the resolver's work."""
        ...

    async def forget_abandoned(self, *, silent_s: float) -> int:
        """Delete entries that have been abandoned for at least so many seconds; how many there were."""
        ...

    async def ping(self) -> None:
        """Raise unless a payment could be written now, into the ledger that was opened."""
        ...
