"""The clock for a payment's validity: this host's clock, checked against the chain's blocks.

A chain checks a payment's validity against its blocks' time, both SDKs against the host's clock. If the two differ,
either this clock is wrong or the chain has stopped. Then this host reports an outage, instead of rejecting valid
payments or processing images for expired ones.
"""

import time
from collections.abc import Callable

from errors import RailUnavailable

MAX_APART_S = 15.0
"""Maximum difference between the clock and the newest block. The block is some seconds old when it is read, and the
node may lag behind."""


class ChainClock:
    """Compares a host's clock with the newest block that was reported by `saw`; makes no network call.

    Args:
        wall: unix seconds, from a clock that can be set.
        steady: seconds, from a monotonic clock.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_of_steady: float | None = None

    def saw(self, block_time: int) -> None:
        """Record the time of the newest block of all nodes, unix seconds."""
        self._ahead_of_steady = block_time - self._steady()

    def now(self) -> float:
        """Unix seconds: this host's clock, unless it differs from the chain's; then the newest block's time plus the
        time that has passed since."""
        return self._wall() - (self._apart() if self.fault else 0.0)

    @property
    def fault(self) -> str | None:
        """One public sentence that states the difference between clock and chain; None if they agree."""
        apart = self._apart()
        if abs(apart) <= MAX_APART_S:
            return None
        if apart > 0:
            return f"The payment chain's latest block is too old: {apart:.0f} s by this host's clock."
        return f"This host's clock is {-apart:.0f} s behind the payment chain's latest block."

    def check(self) -> None:
        """Raise `RailUnavailable` while clock and chain differ."""
        if fault := self.fault:
            raise RailUnavailable(f"{fault} Nothing was charged.")

    def _apart(self) -> float:
        """Seconds by which the wall clock is ahead of the chain."""
        if self._ahead_of_steady is None:
            return 0.0
        return self._wall() - self._steady() - self._ahead_of_steady
