"""A signed payment. Whoever holds it can move the money by sending it to the chain."""

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What the buyer knows about a payment. Each change is one transaction of the journal."""

    SIGNED = "signed"
    """It may have been sent, and the money may have moved."""
    RECEIVED = "received"
    """The service delivered for it; the result's digest and the receipt are on record."""
    DELIVERED = "delivered"
    """The result and its receipt are in their files."""
    UNUSED = "unused"
    """The service proved that it moved no money; the client replaced it or gave up."""
    LOST = "lost"
    """It was used, its result can no longer be fetched, and the buyer chose to pay again."""


@dataclass(frozen=True)
class Payment:
    """One signed payment.

    Attributes:
        order: id of the order that it pays; sent as Idempotency-Key.
        rail: "x402" or "mpp".
        network, asset, payee, payer: as quoted; CAIP-2 and addresses.
        amount: base units.
        header, value: the HTTP field that carries it.
        signed_at, expires_at: unix seconds; after `expires_at` it can no longer move money.
    """

    order: str
    rail: str
    network: str
    asset: str
    payee: str
    payer: str
    amount: int
    header: str
    value: str = field(repr=False)
    signed_at: int
    expires_at: int


@dataclass(frozen=True)
class Entry:
    """A payment in the journal.

    Attributes:
        number: row number.
        source: name of the picture that it was signed for.
        result_sha256, receipt: set when received; the receipt is JSON.
        result_path: set when the result is in a file.
    """

    number: int
    payment: Payment
    state: State
    source: str
    result_sha256: str | None = None
    result_path: str | None = None
    receipt: str | None = None
