"""Measured inference times, from which all waits are estimated."""

_NEW_SHARE = 0.2
"""Weight of the newest measurement: one slow batch changes little, a slower machine shows after about ten batches."""


class BatchDurations:
    """Measured seconds per batch by batch size, as exponentially weighted means. Every estimate is 0 before the first
    measurement."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def record(self, size: int, seconds: float) -> None:
        """Record that a batch of `size` images took this long."""
        known = self._seconds.get(size)
        self._seconds[size] = seconds if known is None else known + _NEW_SHARE * (seconds - known)

    def seconds(self, size: int) -> float:
        """Estimated seconds of a batch of this size.

        A size without a measurement is bounded by its neighbours: the time of the next larger size, else the time
        of the largest measured size, scaled up.
        """
        if not self._seconds or size <= 0:
            return 0.0
        if size in self._seconds:
            return self._seconds[size]
        larger = [each for each in self._seconds if each > size]
        if larger:
            return self._seconds[min(larger)]
        most = max(self._seconds)
        return self._seconds[most] * size / most

    def total(self, pictures: int, limit: int) -> float:
        """Estimated seconds for this many images in batches of `limit`."""
        full, rest = divmod(pictures, limit)
        return full * self.seconds(limit) + self.seconds(rest)
