"""Refunds in a ledger whose process ends at a chosen step."""

from typing import Literal

from payments.refunds import Refund, Refunds

Step = Literal["before record", "after record", "before final", "after final"]


class Crash(BaseException):
    """The process is no more; nothing catches it."""


class CrashingRefunds:
    """`payments.refunds.Refunds` over a real store."""

    def __init__(self, store: Refunds, step: Step | None) -> None:
        self._store = store
        self._step = step

    async def record(self, refund: Refund) -> bool:
        self._crash("before record")
        is_recorded = await self._store.record(refund)
        self._crash("after record")
        return is_recorded

    async def find(self, payment_id: str) -> Refund | None:
        return await self._store.find(payment_id)

    async def under_way(self, chain_id: int, sender: str) -> list[Refund]:
        return await self._store.under_way(chain_id, sender)

    async def final(self, refund: Refund) -> bool:
        self._crash("before final")
        is_final = await self._store.final(refund)
        self._crash("after final")
        return is_final

    async def withdraw(self, refund: Refund) -> bool:
        return await self._store.withdraw(refund)

    def _crash(self, step: Step) -> None:
        if step == self._step:
            raise Crash(step)
