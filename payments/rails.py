"""The rails there are, in the order in which they are quoted."""

from typing import Any

from payments import mpp, x402
from payments.rail_info import RailInfo

RAILS: tuple[RailInfo[Any], ...] = (x402.RAIL, mpp.RAIL)
