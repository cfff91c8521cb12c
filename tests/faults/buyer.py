"""Buyers who do what the contract says (docs/payments.md) or what stock clients do, and sometimes something worse.

A picture came: done. Otherwise `Buying` says whether the same payment is sent again or a new one is signed.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from enum import Enum, auto
from random import Random

from tests.clients.purchase_client import WAYS
from tests.faults.client import Manner
from tests.faults.history import Buying, Call, Order, Payment
from tests.faults.pictures import OUTPUTS, PICTURES
from tests.faults.purchase_client import PurchaseClient
from tests.faults.wallet import Wallet

_TRIES = 6
"""Calls with one payment before its order is postponed."""
_ASIDE_S = (5.0, 40.0)
_PAYMENTS = 6
"""Payments for one order before the buyer gives up; according to the service none of them has moved."""
_LONGEST_WAIT_S = 1.5
_BUYING = (Buying.CONTRACT, Buying.CONTRACT, Buying.ANEW, Buying.KEYED)
_MANNERS = (
    *([Manner.PLAIN] * 14),
    Manner.SLOW_UPLOAD,
    Manner.HANG_UP_IN_UPLOAD,
    Manner.HANG_UP_BEFORE_ANSWER,
    Manner.HANG_UP_BEFORE_ANSWER,
    Manner.HANG_UP_IN_ANSWER,
)
_COPIES, _REPLAYED, _OTHER_PICTURE = 0.12, 0.15, 0.1  # chances


class Verdict(Enum):
    """The buyer's knowledge after calls with a payment."""

    DELIVERED = auto()
    DOUBT = auto()
    UNCHARGED = auto()


def verdict(calls: Sequence[Call], buying: Buying = Buying.CONTRACT) -> Verdict:
    """The combined result of concurrent calls with a payment."""
    if any(call.answer is not None for call in calls):
        return Verdict.DELIVERED
    return Verdict.UNCHARGED if all(_is_over(call, buying) for call in calls) else Verdict.DOUBT


def _is_over(call: Call, buying: Buying) -> bool:
    """Whether this buyer signs a new payment after the answer."""
    return call.charged is False if buying is Buying.ANEW else call.final_refusal


class Buyer:
    """Buys pictures, one order at a time, and returns to postponed orders.

    Args:
        enough: asked before each order and each call; a payment in doubt is then left to the last phase.
    """

    def __init__(
        self, number: int, client: PurchaseClient, wallet: Wallet, random: Random, enough: Callable[[], bool]
    ) -> None:
        self._number = number
        self._buying = _BUYING[number % len(_BUYING)]
        self._client = client
        self._wallet = wallet
        self._random = random
        self._enough = enough
        self._aside: list[tuple[float, Order]] = []

    async def run(self) -> None:
        """Buy until the number of calls is reached."""
        while not self._enough():
            await self._fulfil(self._old_order() or self._new_order())

    def _old_order(self) -> Order | None:
        if self._aside and time.monotonic() > self._aside[0][0]:
            return self._aside.pop(0)[1]
        return None

    def _new_order(self) -> Order:
        choose = self._random.choice
        return self._client.history.order(self._number, choose(WAYS), choose(PICTURES), choose(OUTPUTS), self._buying)

    async def _fulfil(self, order: Order) -> None:
        while len(order.payments) < _PAYMENTS and not self._enough():
            payment = order.payments[-1] if order.payments else None
            if payment is None or not payment.in_doubt or self._signs_all_the_same():
                payment = await self._client.sign(order, self._wallet)
            if payment is None:
                await asyncio.sleep(self._random.uniform(0.3, 1))
                continue
            await self._pursue(payment)
            if payment.in_doubt:
                self._aside.append((time.monotonic() + self._random.uniform(*_ASIDE_S), order))
            if payment.verdict != "uncharged":
                return

    def _signs_all_the_same(self) -> bool:
        return self._buying is Buying.KEYED and self._random.random() < 0.5

    async def _pursue(self, payment: Payment) -> None:
        for _ in range(_TRIES):
            calls = await self._send(payment)
            match verdict(calls, payment.order.buying):
                case Verdict.DELIVERED:
                    payment.verdict = "delivered"
                    await self._misbehave(payment)
                    return
                case Verdict.UNCHARGED:
                    payment.verdict = "uncharged"
                    return
                case Verdict.DOUBT:
                    payment.verdict = "doubt"
            if self._enough():
                return
            asked = max((call.retry_after or 0 for call in calls), default=0)
            await asyncio.sleep(min(asked, _LONGEST_WAIT_S) or self._random.uniform(0.1, 0.8))

    async def _send(self, payment: Payment) -> list[Call]:
        copies = self._random.randint(2, 3) if self._random.random() < _COPIES else 1
        # Copies race on all hosts, and on the workers of one.
        hosts = [self._client.hosts[place % len(self._client.hosts)] for place in range(copies)]
        chosen = hosts if copies > 1 else [None]
        return list(
            await asyncio.gather(
                *(self._client.send(payment, self._random.choice(_MANNERS), host=host) for host in chosen)
            )
        )

    async def _misbehave(self, payment: Payment) -> None:
        if self._random.random() < _REPLAYED:
            await self._client.send(payment, self._random.choice(_MANNERS))
        if self._random.random() < _OTHER_PICTURE:
            other = self._random.choice([each for each in PICTURES if each is not payment.order.picture])
            await self._client.send(payment, picture=other)
