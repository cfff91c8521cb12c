"""Transfers to us as the chain shows them, over a period, whatever the ledger says."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

LOG_SPAN = 500
"""Blocks per search for log entries; public RPC services limit the range of one eth_getLogs."""


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


async def blocks_between(
    time_of: Callable[[int], Awaitable[int]], latest: int, since: float, until: float, *, span: int = LOG_SPAN
) -> Iterator[tuple[int, int]]:
    """The blocks of a period, oldest first, as ranges (first, last) of at most `span` blocks.

    Args:
        time_of: gives the unix seconds of a block, which never fall.
        latest: number of the chain's latest block.
        since, until: unix seconds; a block at `since` is in, one at `until` is not.
    """
    first = await _first_at(time_of, latest, since)
    end = await _first_at(time_of, latest, until)
    return ((start, min(start + span, end) - 1) for start in range(first, end, span))


async def _first_at(time_of: Callable[[int], Awaitable[int]], latest: int, at: float) -> int:
    """The first block that is not before `at`; the one after the latest when all are."""
    low, high = 0, latest + 1
    while low < high:
        middle = (low + high) // 2
        if await time_of(middle) < at:
            low = middle + 1
        else:
            high = middle
    return low
