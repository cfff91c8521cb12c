"""How many requests a second one client may begin: more wait, unread and unanswered, which costs nothing."""

from cachetools import TTLCache

_REMEMBERED = 100_000
_BURST_S = 4.0
"""How many seconds' worth may come at once."""


class RequestRate:
    """A bucket of requests for each address.

    Args:
        per_s: requests that are added to it each second.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._burst = per_s * _BURST_S
        self._buckets: TTLCache[str, tuple[float, float]] = TTLCache(_REMEMBERED, ttl=60)

    def wait_s(self, address: str, now: float) -> float:
        """Take one; seconds until it may begin, 0 for now. What has to wait takes nothing, and asks again."""
        left, at = self._buckets.get(address, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        if left < 1:
            return (1 - left) / self._per_s
        self._buckets[address] = left - 1, now
        return 0.0
