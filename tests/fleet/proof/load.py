"""Buyers who arrive at a fixed rate, whatever became of those before them, and keep the contract (docs/payments.md).

Each wants one picture. As long as an answer is to be waited for, or there was none, the same payment is sent again;
after a final refusal a new one is signed. What is still open at the end is left to the last phase.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from tests.clients.purchase_client import WAYS
from tests.faults.buyer import Verdict, verdict
from tests.faults.history import Order, Payment
from tests.faults.pictures import OUTPUTS, PICTURES
from tests.faults.purchase_client import PurchaseClient
from tests.faults.wallet import Wallet

AT_ONCE = 100
"""Purchases under way; who arrives when there are more does not buy, and is counted."""
_PATIENCE_S = 150.0
_LONGEST_WAIT_S = 5.0
"""Buyers come back after Retry-After, but not later than this: the waits are to be the service's."""
_NO_QUOTE_S = 0.5


@dataclass(slots=True)
class Purchase:
    """One buyer's way to a picture, in unix seconds; `ended_at` is None while there is no picture."""

    order: Order
    began_at: float
    ended_at: float | None = None


@dataclass
class Load:
    """The buyers.

    Attributes:
        rate: who arrive in a second.
        purchases: in the order in which they began.
        turned_away: who arrived while too many were buying.
        no_quotes: requests for a quote that got none.
    """

    client: PurchaseClient
    wallets: Sequence[Wallet]
    rate: float
    random: Random
    purchases: list[Purchase] = field(default_factory=list)
    turned_away: int = 0
    no_quotes: list[float] = field(default_factory=list)
    _open: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Let buyers arrive until cancelled; those who have begun go on."""
        number = 0
        while True:
            await asyncio.sleep(self.random.expovariate(self.rate))
            if len(self._open) >= AT_ONCE:
                self.turned_away += 1
                continue
            number += 1
            task = asyncio.create_task(self.buy(number))
            self._open.add(task)
            task.add_done_callback(self._open.discard)

    async def finish(self, seconds: float) -> None:
        """Wait for those who are buying, for so long; then they leave."""
        while self._open:
            _, unfinished = await asyncio.wait(self._open, timeout=seconds)
            for task in unfinished:
                task.cancel()

    async def buy(self, number: int) -> None:
        """One buyer, from the first request to the picture or the end of patience; `number` chooses wallet and way."""
        choose = self.random.choice
        buyer = number % len(self.wallets)
        order = self.client.history.order(buyer, WAYS[number % len(WAYS)], choose(PICTURES), choose(OUTPUTS))
        purchase = Purchase(order, time.time())
        self.purchases.append(purchase)
        ends = time.monotonic() + _PATIENCE_S
        while time.monotonic() < ends and not order.delivered:
            payment = await self.client.sign(order, self.wallets[buyer])
            if payment is None:
                self.no_quotes.append(time.time())
                await asyncio.sleep(_NO_QUOTE_S)
            elif not await self._pursue(payment, ends):
                return
        purchase.ended_at = time.time() if order.delivered else None

    async def _pursue(self, payment: Payment, ends: float) -> bool:
        """Send a payment until its fate is known; False when patience ends before."""
        while time.monotonic() < ends:
            call = await self.client.send(payment)
            match verdict([call]):
                case Verdict.DELIVERED:
                    payment.verdict = "delivered"
                    return True
                case Verdict.UNCHARGED:
                    payment.verdict = "uncharged"
                    return True
                case Verdict.DOUBT:
                    payment.verdict = "doubt"
            await asyncio.sleep(min(call.retry_after or _NO_QUOTE_S, _LONGEST_WAIT_S))
        return False
