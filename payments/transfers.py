"""Transfers to us as the chain shows them, over a period, whatever the ledger says."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of tokens to our address.

    Attributes:
        reference: `reference_of` the payment that it belongs to; None when it can be no payment of this rail.
        transaction: hash, 0x-hex.
        payer: the sender's address, lower case.
        amount: base units.
        at: unix seconds of its block.
    """

    rail: str
    reference: str | None
    transaction: str
    payer: str
    amount: int
    at: int
