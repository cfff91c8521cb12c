"""The time by which payments are judged: this host's clock, as far as the chain's blocks confirm it.

A chain judges a payment's validity by its blocks' time, and both SDKs by the host's clock. While the two agree, it does
not matter which one is asked. When they do not, either this clock is wrong or the chain stands still: this host can
judge no payment, and says so instead of refusing good ones or working for late ones.
"""

import time
from collections.abc import Callable

from errors import RailUnavailable

MAX_APART_S = 15.0
"""How far the clock may be from the newest block, some seconds old when it is seen, and of a node that may be late."""


class ChainClock:
    """Compares a host's clock with the newest block that was seen; nothing is asked for that.

    Args:
        wall: unix seconds, by a clock that can be set.
        steady: seconds, by a clock that cannot.
    """

    def __init__(self, *, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall = wall
        self._steady = steady
        self._ahead_of_steady: float | None = None

    def saw(self, block_time: int) -> None:
        """The time of the newest block at present, unix seconds: of the node that is furthest ahead."""
        self._ahead_of_steady = block_time - self._steady()

    def now(self) -> float:
        """Unix seconds: by this host's clock while the chain confirms it, or as long as no block was seen, and else by
        the newest block and the time that has passed since."""
        return self._wall() - (self._apart() if self.fault else 0.0)

    @property
    def fault(self) -> str | None:
        """None, or one public sentence that says how far clock and chain are apart."""
        apart = self._apart()
        if abs(apart) <= MAX_APART_S:
            return None
        if apart > 0:
            return f"The payment chain's latest block is too old: {apart:.0f} s by this host's clock."
        return f"This host's clock is {-apart:.0f} s behind the payment chain's latest block."

    def check(self) -> None:
        """Raise `RailUnavailable` while this host cannot judge how long a payment is valid."""
        if fault := self.fault:
            raise RailUnavailable(f"{fault} Nothing was charged.")

    def _apart(self) -> float:
        """Seconds by which the wall clock is ahead of the chain."""
        if self._ahead_of_steady is None:
            return 0.0
        return self._wall() - self._steady() - self._ahead_of_steady
