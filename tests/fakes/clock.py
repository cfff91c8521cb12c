"""Time that passes only when told."""


class FakeClock:
    """Unix seconds; `clock()` reads, `clock.advance(s)` turns."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds
