"""The rails there are, in the order in which they are quoted."""

from collections.abc import Iterable
from typing import Any

from payments import mpp, x402
from payments.rail_info import RailInfo

RAILS: tuple[RailInfo[Any], ...] = (x402.RAIL, mpp.RAIL)


def payment_headers(others: Iterable[RailInfo[Any]] = ()) -> frozenset[str]:
    """The header fields in which a payment may come, lower case: those of every rail there is, switched off or not."""
    return frozenset(name.lower() for rail in (*RAILS, *others) for name in rail.payment_headers)
