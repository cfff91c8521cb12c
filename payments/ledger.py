"""The port of the ledger: the state of each payment, shared by all workers and hosts.

Each transition is one atomic statement in the store, and returns whether it happened:

    (none) ──claim──▶ CLAIMED ──begin_settlement──▶ SETTLING ──settled──▶ SETTLED
      │                │   ▲                          │
      └─refuse─▶ abandoned ┘◀──release (unmoved) ─────┘

A claim has a lease, so that a crash locks nothing; after its end the holder has no rights. A CLAIMED payment whose
lease has expired is *abandoned*: it is free, but its entry records that something happened. A request that looked a
payment up before it was refused or released cannot claim it afterwards, because the buyer may have been told meanwhile
that nothing was charged, and may have signed a new payment. Leases are written and checked with the store's clock.
SETTLING means that money may have moved: only the chain's answer (`Rail.find_receipt`) ends it.
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
    """State of a payment, see the diagram above."""

    CLAIMED = "claimed"
    SETTLING = "settling"
    SETTLED = "settled"


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment in the ledger.

    Attributes:
        fingerprint, order_digest: identify what was sent and what it buys.
        holder: opaque token of the request that holds the claim.
        lease_until: end of the lease, unix seconds by the ledger's clock; do not compare it with another clock.
        lease_left_s: remaining seconds of the lease when the entry was read; negative after its end.
        deliveries: number of re-deliveries.
        receipt: set exactly when the state is SETTLED.
        sold: what it buys, from SETTLING on; None if an earlier version settled it.
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
        """Whether the lease was valid when the entry was read."""
        return self.lease_left_s > 0

    @property
    def is_abandoned(self) -> bool:
        """Whether the payment is free: its holder's lease expired before money could move, or it was refused."""
        return self.state is State.CLAIMED and not self.lease_runs


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to process one payment while its lease is valid."""

    payment_id: str
    holder: str


class Ledger(Protocol):
    """Every method raises `LedgerUnavailable` if the store does not respond."""

    async def find(self, payment_id: str) -> Entry | None:
        """The entry of a payment, if any."""
        ...

    async def find_purchase(self, purchase: str) -> Entry | None:
        """The entry of a purchase (see `claim`), if any."""
        ...

    async def find_receipt(self, receipt_id: str) -> Entry | None:
        """The SETTLED payment whose receipt has this id (`Sold.receipt_id`)."""
        ...

    async def free_purchase(self, purchase: str, *, at_most: int, not_after_s: float) -> bool:
        """Release a purchase's key from a SETTLED payment whose re-deliveries have reached the limit in number or age
        (seconds since settlement). Returns False while the payment keeps it."""
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
        """Claim a payment that has not changed since it was looked up: unknown (`seen` is None) or abandoned. Returns
        None if it has changed.

        `purchase` is an idempotency key within its rail and payer. One payment has it at a time; None is returned while
        another payment has it. A payer may have as many payments in progress as `payment.funds` covers at this amount,
        or `MAX_IN_FLIGHT_WITHOUT_BALANCE` if the rail does not know the funds. `product` is for accounting.

        Raises:
            PaymentUsed: its transaction belongs to another payment id.
            FundsUnderWay: the payer has too many payments in progress.
        """
        ...

    async def renew(self, claims: Collection[Claim], *, lease_s: float) -> set[Claim]:
        """Extend the current leases of CLAIMED payments for their holders. Returns the claims that are still held."""
        ...

    async def begin_settlement(self, claim: Claim, *, lease_s: float, sold: Sold | None = None) -> float | None:
        """CLAIMED → SETTLING, only for the holder and while its lease is valid. Returns the end of the new lease in
        unix seconds by the ledger's clock; None if the claim was lost. `sold` is recorded with it, so that a crash
        during the settlement does not lose it."""
        ...

    async def settled(self, payment_id: str, receipt: Receipt) -> bool:
        """SETTLING → SETTLED. Returns False if it was not SETTLING."""
        ...

    async def release(self, claim: Claim) -> bool:
        """Abandon a payment that provably moved no money; only for the holder, never from SETTLED."""
        ...

    async def refuse(self, payment_id: str, rail: str) -> bool:
        """Record that an unknown or abandoned payment was refused: a request that held it or looked it up before cannot
        claim it afterwards. Returns False if it is held or may have moved money."""
        ...

    async def take_over(self, payment_id: str, *, lease_s: float) -> Claim | None:
        """Become the holder of a SETTLING payment whose lease has expired. Returns None if another process did it."""
        ...

    async def mark_unresolved(self, claim: Claim) -> None:
        """End the holder's lease on a SETTLING payment, so that the next re-send or the resolver can ask the chain."""
        ...

    async def count_delivery(self, payment_id: str, *, at_most: int, not_after_s: float) -> bool:
        """Count one re-delivery of a SETTLED payment. Returns False if the limit in number or age (seconds since
        settlement) is reached."""
        ...

    async def uncount_delivery(self, payment_id: str) -> None:
        """Undo the count of a re-delivery that failed."""
        ...

    async def in_doubt(self, rails: Collection[str], limit: int) -> list[Entry]:
        """SETTLING entries of these rails with an expired lease, oldest first: the resolver's work."""
        ...

    async def forget_abandoned(self, *, silent_s: float) -> int:
        """Delete entries that have been abandoned for at least `silent_s` seconds. Returns their number."""
        ...

    async def ping(self) -> None:
        """Raise unless a payment can be written now, into the ledger that was opened."""
        ...
