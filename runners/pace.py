"""How long inference takes, as it was measured: the base of every statement about waiting."""

_NEW_SHARE = 0.2
"""Weight of the newest measurement: a single slow batch changes little, a slower machine shows after some ten."""


class Pace:
    """Measured seconds of a batch by its size, as exponentially weighted means. Nothing is known before the first
    measurement, and every estimate is 0 until then."""

    def __init__(self) -> None:
        self._seconds: dict[int, float] = {}

    def note(self, size: int, seconds: float) -> None:
        """A batch of this many pictures took this long."""
        known = self._seconds.get(size)
        self._seconds[size] = seconds if known is None else known + _NEW_SHARE * (seconds - known)

    def seconds(self, size: int) -> float:
        """What a batch of this size takes.

        For a size that was not measured yet it is a bound from its neighbours: what the next larger one takes, else
        the largest measured one, taken as many times as needed.
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

    def work(self, pictures: int, limit: int) -> float:
        """Seconds for this many pictures in batches of `limit`."""
        full, rest = divmod(pictures, limit)
        return full * self.seconds(limit) + self.seconds(rest)
