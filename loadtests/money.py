"""What the chains say: whether exactly the delivered pictures were paid for."""

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from loadtests.run import Run
    from loadtests.target import Target

_SETTLED_WITHIN_S = 60.0


@dataclass
class Money:
    """Base units and pictures of a run, by rail.

    Attributes:
        price: of a picture; 0 where nothing is sold.
        delivered: pictures that buyers received.
        earned: what the seller's balance grew by.
        receipts: different transactions of their receipts.
    """

    price: int = 0
    delivered: dict[str, int] = field(default_factory=dict)
    earned: dict[str, int] = field(default_factory=dict)
    receipts: dict[str, int] = field(default_factory=dict)

    @property
    def unpaid(self) -> int:
        """Pictures for which no money, or no transaction of their own, was found."""
        earned = self.earned.items() if self.price else ()
        paid = {rail: min(units // self.price, self.receipts[rail]) for rail, units in earned}
        return sum(max(0, number - paid.get(rail, 0)) for rail, number in self.delivered.items())

    @property
    def difference(self) -> dict[str, int]:
        """Base units that a rail's balance has too many (paid, and not delivered) or too few."""
        return {rail: units - self.price * self.delivered.get(rail, 0) for rail, units in self.earned.items()}


def agreed(aim: "Target", before: dict[str, int], run: "Run") -> Money:
    """Compare, for a minute: a settlement may be in a block a little later than its picture at the buyer."""
    deadline = time.monotonic() + _SETTLED_WITHIN_S
    while True:
        now = aim.earned()
        money = _money(run, {rail: now[rail] - units for rail, units in before.items()})
        if not any(money.difference.values()) or time.monotonic() > deadline:
            return money
        time.sleep(1)


def _money(run: "Run", earned: dict[str, int]) -> Money:
    prices = {price for phase in run.phases for price in phase.prices}
    delivered = Counter(row[1] for row in run.deliveries)
    receipts = {rail: len({row[2] for row in run.deliveries if row[1] == rail and row[2]}) for rail in earned}
    return Money(
        price=prices.pop() if len(prices) == 1 else 0,
        delivered={rail: delivered[rail] for rail in earned},
        earned=earned,
        receipts=receipts,
    )
