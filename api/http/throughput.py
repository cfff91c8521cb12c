"""A minimum throughput, averaged over time windows: a peer may pause but not stall."""


class MinimumThroughput:
    """Requires `bytes_s` on average in each window of `window_s` seconds. Counts and times never decrease."""

    def __init__(self, bytes_s: int, window_s: float) -> None:
        self._minimum = bytes_s * window_s
        self._window_s = window_s
        self._since: float | None = None
        self._passed = 0

    def reset(self) -> None:
        """No transfer is expected; the next window starts with the next call of `is_met`."""
        self._since = None

    def is_met(self, now: float, passed: int) -> bool:
        """Whether enough bytes were transferred in the window that ends now; True before its end.

        Args:
            passed: total bytes up to now.
        """
        if self._since is None:
            self._since, self._passed = now, passed
        if now - self._since < self._window_s:
            return True
        enough = passed - self._passed >= self._minimum
        self._since, self._passed = now, passed
        return enough
