"""Transfers to our address, as shown by the chain."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Transfer:
    """One movement of tokens to our address.

    Attributes:
        reference: `reference_of` its payment; None if it cannot be a payment of this rail.
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
