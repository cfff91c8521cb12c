"""The end of a leg, without faults: every doubt is resolved, and every order gets its picture."""

import asyncio
import time
from collections.abc import Sequence

from tests.faults.buyer import Verdict, verdict
from tests.faults.history import Order, Payment
from tests.faults.purchase_client import PurchaseClient
from tests.faults.wallet import Wallet

_AT_ONCE = 6
_PAUSE_S = (1.0, 3.0)
_NEW_PAYMENTS = 3
_NO_QUOTE_S = 3.0  # the service has not yet noticed the end of the faults


class LastPhase:
    """Sends payments again until a picture comes, or `charged: false`; those that get neither stay in doubt.

    Args:
        wallets: by the number of their buyer.
        seconds: after which nothing is sent any more.
    """

    def __init__(self, client: PurchaseClient, wallets: Sequence[Wallet], *, seconds: float) -> None:
        self._client = client
        self._wallets = wallets
        self._ends = time.monotonic() + seconds
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def finish(self, orders: Sequence[Order]) -> None:
        """Complete these orders; if a payment is refused, pay again, as buyers do."""
        await asyncio.gather(*(self._finish(order) for order in orders if order.payments))

    async def _finish(self, order: Order) -> None:
        for payment in order.payments:
            if payment.in_doubt or (payment.moved and not payment.delivered):
                await self._ask(payment)
        for _ in range(_NEW_PAYMENTS):
            if order.delivered or any(payment.in_doubt for payment in order.payments):
                return
            async with self._turns:
                payment_ = await self._client.sign(order, self._wallets[order.buyer])
            if payment_ is None:
                await asyncio.sleep(_NO_QUOTE_S)
            else:
                await self._ask(payment_)

    async def _ask(self, payment: Payment) -> None:
        while True:
            async with self._turns:
                call = await self._client.send(payment)
            if verdict([call]) is Verdict.DELIVERED:
                payment.verdict = "delivered"
                return
            if call.charged is False:
                payment.verdict = "uncharged"
                return
            if time.monotonic() > self._ends:
                return
            await asyncio.sleep(min(max(call.retry_after or 0, _PAUSE_S[0]), _PAUSE_S[1]))
