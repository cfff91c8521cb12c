"""Reports to the operator how many settlements the key can pay, and what settling costs."""

import time
from decimal import Decimal

import structlog

from telemetry import SETTLEMENT_COST_SHARE, SETTLEMENTS_AFFORDABLE

log = structlog.get_logger(__name__)

LOW = 100
"""Number of settlements below which a warning is logged."""
_AGAIN_S = 600.0


class GasAlarm:
    """A gauge, and a warning every ten minutes while its value is low."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def report(self, affordable: int) -> None:
        """Record how many settlements the key can pay."""
        SETTLEMENTS_AFFORDABLE.set(affordable)
        if affordable < LOW and time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + _AGAIN_S
            log.warning("settlement_key_low_on_gas", settlements_affordable=affordable)


class CostAlarm:
    """A gauge, and one log line when settling becomes too expensive or affordable again."""

    def __init__(self) -> None:
        self._too_expensive = False

    def report(self, share: Decimal, *, worth_it: bool) -> None:
        """Record the cost of settling as a share of the highest price, and whether it is within the budget."""
        SETTLEMENT_COST_SHARE.set(float(share))
        if worth_it == self._too_expensive:
            self._too_expensive = not worth_it
            cost_share = round(float(share), 4)
            log.warning(
                "settlement_affordable_again" if worth_it else "settlement_too_expensive", cost_share=cost_share
            )
