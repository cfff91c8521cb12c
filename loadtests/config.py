"""What is asked of the service: the loads, and the bounds that count as good enough."""

from dataclasses import dataclass

QUOTE = "quote, empty request"
PAID = ("paid x402", "paid mpp")


@dataclass(frozen=True)
class Bound:
    """A percentile of one kind of request may not be over so many milliseconds; nothing else counts as served."""

    name: str
    percentile: float
    milliseconds: float


@dataclass(frozen=True)
class Load:
    """Which users, how many, for how many seconds, and the bounds they are to find."""

    user: str
    users: int
    seconds: int
    bounds: tuple[Bound, ...]


# Stated for two CPU cores that service, chains and buyers share.
QUOTES = Load("Asker", users=20, seconds=30, bounds=(Bound(QUOTE, 0.95, 20),))
PAID_BOUNDS = {1: (0.50, 2_000.0), 4: (0.95, 6_000.0)}


def paid(buyers: int) -> Load:
    """Buyers who never pause. Bounds are set for one buyer and for four; with others only failures count."""
    bounds = tuple(Bound(name, *PAID_BOUNDS[buyers]) for name in PAID) if buyers in PAID_BOUNDS else ()
    return Load("Buyer", users=buyers, seconds=60, bounds=bounds)
