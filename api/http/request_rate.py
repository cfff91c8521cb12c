"""A rate limit of requests per client: further requests wait unread, which costs nothing."""

from cachetools import TTLCache

_MAX_BUCKETS = 100_000
_BURST_S = 4.0
"""Capacity of a bucket in seconds of its rate."""


class RequestRate:
    """A token bucket for each address.

    Args:
        per_s: tokens per second.
    """

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._burst = per_s * _BURST_S
        self._buckets: TTLCache[str, tuple[float, float]] = TTLCache(_MAX_BUCKETS, ttl=60)

    def wait_s(self, address: str, now: float) -> float:
        """Take a token. Returns 0, or the seconds until a token is available; then none is taken."""
        left, at = self._buckets.get(address, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        if left < 1:
            return (1 - left) / self._per_s
        self._buckets[address] = left - 1, now
        return 0.0
