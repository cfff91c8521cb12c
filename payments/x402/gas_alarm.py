"""Tells the operator how long the settlement key's gas will last."""

import time

import structlog

from telemetry import SETTLEMENTS_AFFORDABLE

log = structlog.get_logger(__name__)

LOW = 100
"""Settlements below which we warn."""
_AGAIN_S = 600.0


class GasAlarm:
    """A gauge, and a warning every ten minutes while it is low."""

    def __init__(self) -> None:
        self._quiet_until = 0.0

    def report(self, affordable: int) -> None:
        """Take down how many settlements the key can pay."""
        SETTLEMENTS_AFFORDABLE.set(affordable)
        if affordable < LOW and time.monotonic() >= self._quiet_until:
            self._quiet_until = time.monotonic() + _AGAIN_S
            log.warning("settlement_key_low_on_gas", settlements_affordable=affordable)
