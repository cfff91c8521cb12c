"""Re-delivery: a buyer whose response was lost receives the same result again without a charge, within limits."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from errors import PaymentUsed, PictureChanged, ServiceError
from payments.ledger import Entry, Ledger, State
from payments.order import Order
from payments.result_cache import Delivery, ResultCache

_KEY = 32
"""Digits of a result that the ledger stores at least."""

Work = Callable[[], Awaitable[Delivery]]
Admit = Callable[[], Awaitable[float | None]]
"""Reserves capacity for the work. Returns the expected wait in seconds, if known."""


class Redelivery:
    """Delivers the result of a settled payment again, from memory or by repeating the work.

    Args:
        recent: cache of results.
        at_most, within_s: how often, and for how many seconds after the settlement, the work is repeated.
    """

    def __init__(self, ledger: Ledger, recent: ResultCache, *, at_most: int, within_s: float) -> None:
        self._ledger = ledger
        self._recent = recent
        self._at_most = at_most
        self._within_s = within_s
        self._at_work: dict[str, asyncio.Task[Delivery]] = {}

    def keep(self, order: Order, delivery: Delivery) -> None:
        """Keep a new result, even if its payment does not settle."""
        self._put(order.result, delivery)

    def kept(self, order: Order) -> Delivery | None:
        """The result, if it is still in memory."""
        return self._get(order.result)

    async def fetch(self, payment_id: str, result: str, admit: Admit, work: Work) -> Delivery:
        """The result; concurrent copies of one request wait for the same work.

        Args:
            result: digest of what was bought, see `Order.result_bought`.

        Raises:
            PaymentUsed: the limit of re-deliveries is reached.
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
        """Whether the re-deliveries of a purchase have ended; if so, its name becomes free for another purchase. Raises
        LedgerUnavailable."""
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
            raise PaymentUsed("The result of this payment can no longer be delivered again. Sign a new payment.")
        try:
            delivery = await work()
        except PictureChanged:
            raise  # counted, because the URL was fetched
        except BaseException:
            with suppress(ServiceError):  # at worst the buyer loses one re-delivery
                await self._ledger.uncount_delivery(payment_id)
            raise
        self._put(result, delivery)
        return delivery
