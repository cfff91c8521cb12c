"""A signed payment: a bearer paper that moves money when the service sends it to the chain."""

from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """What the buyer knows of a payment. Each change is one transaction of the journal."""

    SIGNED = "signed"
    """It may have been sent, and may have moved."""
    RECEIVED = "received"
    """The service has delivered for it; the result's digest and the receipt are on record."""
    DELIVERED = "delivered"
    """The result and its receipt are in their files."""
    UNUSED = "unused"
    """The service has proven that it moved nothing, and it was replaced or given up."""
    LOST = "lost"
    """It was used, its result can no longer be fetched, and the buyer chose to pay again."""


@dataclass(frozen=True)
class Payment:
    """One signed payment.

    Attributes:
        order: id of what it pays for; sent as Idempotency-Key.
        rail: "x402" or "mpp".
        network, asset, payee, payer: as quoted; CAIP-2 and addresses.
        amount: base units.
        header, value: the HTTP field that carries it.
        signed_at, expires_at: unix seconds; after the latter it can no longer move.
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
    """A payment as it stands in the journal.

    Attributes:
        number: of the row.
        source: name of the picture it was signed for.
        result_sha256, receipt: once received; the receipt is JSON.
        result_path: once delivered into a file.
    """

    number: int
    payment: Payment
    state: State
    source: str
    result_sha256: str | None = None
    result_path: str | None = None
    receipt: str | None = None
