"""Re-delivery: a buyer whose answer got lost gets the same picture again, without a charge, within bounds."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from errors import PaymentUsed, PictureChanged, ServiceError
from payments.ledger import Entry, Ledger, State
from payments.rail import Order
from payments.result_cache import Delivery, ResultCache

_KEY = 32
"""Digits of a result that the ledger keeps at least."""

Work = Callable[[], Awaitable[Delivery]]
Admit = Callable[[], Awaitable[float | None]]
"""Reserves capacity for the work; the seconds until it begins, where that is known."""


class Redelivery:
    """Hands out the picture of a settled payment again: from memory, or by doing the work again.

    Args:
        recent: keeps finished pictures for a while.
        at_most, within_s: how often, and for how long after the settlement, the work is done again.
    """

    def __init__(self, ledger: Ledger, recent: ResultCache, *, at_most: int, within_s: float) -> None:
        self._ledger = ledger
        self._recent = recent
        self._at_most = at_most
        self._within_s = within_s
        self._at_work: dict[str, asyncio.Task[Delivery]] = {}

    def keep(self, order: Order, delivery: Delivery) -> None:
        """Remember a picture that was just made, whether it will be paid for or not."""
        self._put(order.result, delivery)

    def kept(self, order: Order) -> Delivery | None:
        """The picture, if it was made a short while ago."""
        return self._get(order.result)

    async def fetch(self, payment_id: str, result: str, admit: Admit, work: Work) -> Delivery:
        """The picture; copies of one request that come at once wait for one piece of work.

        Args:
            result: what was bought, see `Order.result_bought`.

        Raises:
            PaymentUsed: too often, or too late.
            ServiceError: from `admit`, `work` and the ledger.
        """
        kept = self._get(result)
        if kept is not None:
            return kept
        task = self._at_work.get(payment_id)
        if task is None:
            task = asyncio.create_task(self._make(payment_id, result, admit, work))
            self._at_work[payment_id] = task
            task.add_done_callback(lambda _: self._at_work.pop(payment_id))
        return await asyncio.shield(task)

    async def ends(self, purchase: str, entry: Entry) -> bool:
        """Whether a name has ended with what it bought: its picture can no longer be fetched again, so from now on the
        name is free for another purchase. Raises LedgerUnavailable."""
        return entry.state is State.SETTLED and await self._ledger.free_purchase(
            purchase, at_most=self._at_most, not_after_s=self._within_s
        )

    def _get(self, result: str) -> Delivery | None:
        return self._recent.get(result[:_KEY])

    def _put(self, result: str, delivery: Delivery) -> None:
        self._recent.put(result[:_KEY], delivery)

    async def _make(self, payment_id: str, result: str, admit: Admit, work: Work) -> Delivery:
        await admit()
        if not await self._ledger.count_delivery(payment_id, at_most=self._at_most, not_after_s=self._within_s):
            raise PaymentUsed("The picture of this payment can no longer be fetched again. Sign a new payment.")
        try:
            delivery = await work()
        except PictureChanged:
            raise  # counted, because it was fetched
        except BaseException:
            with suppress(ServiceError):  # at worst the buyer has one re-delivery less
                await self._ledger.uncount_delivery(payment_id)
            raise
        self._put(result, delivery)
        return delivery
