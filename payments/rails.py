"""All rails, in the order of the quote."""

from collections.abc import Iterable
from typing import Any

from payments import mpp, x402
from payments.rail_info import RailInfo

RAILS: tuple[RailInfo[Any], ...] = (x402.RAIL, mpp.RAIL)


def payment_headers(others: Iterable[RailInfo[Any]] = ()) -> frozenset[str]:
    """The request headers that may contain a payment, lower case, of all rails, including disabled ones."""
    return frozenset(name.lower() for rail in (*RAILS, *others) for name in rail.payment_headers)
