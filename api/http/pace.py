"""Whether something moves fast enough, judged over windows: a peer may pause, and may not stand still."""


class Pace:
    """Demands `bytes_s` on average in each window of `window_s` seconds. Counts and times only grow."""

    def __init__(self, bytes_s: int, window_s: float) -> None:
        self._least = bytes_s * window_s
        self._window_s = window_s
        self._since: float | None = None
        self._passed = 0

    def rest(self) -> None:
        """Nothing is to be moved; the next window begins with the next look."""
        self._since = None

    def is_kept(self, now: float, passed: int) -> bool:
        """Whether the window that ends now saw enough bytes; True while it lasts.

        Args:
            passed: all bytes up to now.
        """
        if self._since is None:
            self._since, self._passed = now, passed
        if now - self._since < self._window_s:
            return True
        enough = passed - self._passed >= self._least
        self._since, self._passed = now, passed
        return enough
