"""Moving the money, and finding out whether it moved: the only file in which a payment can be in doubt."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from errors import (
    PaymentInProgress,
    PaymentOutcomeUnknown,
    PaymentRejected,
    ServiceError,
)
from payments.ledger import Claim, Entry, Ledger
from payments.rail import Credential, Payment, Rail, Receipt

_PATIENCE = 2 / 3
"""How much of its lease a settlement may use; the rest is for hosts whose clocks are not quite together."""


class Settlement:
    """CLAIMED → SETTLING → SETTLED, or back to nothing on the chain's word; without it the entry stays SETTLING.

    Args:
        lease_s: how long a silent holder of a SETTLING payment is trusted to be alive.
        clock: unix seconds, the same as the ledger's.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float, clock: Callable[[], float] = time.time) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._clock = clock

    async def settle(self, rail: Rail, claim: Claim, payment: Payment, credential: Credential) -> Receipt:
        """Settle a claimed payment.

        Raises:
            PaymentInProgress: the claim was lost to somebody quicker.
            PaymentRejected: nothing moved, and the payment is free again.
            PaymentOutcomeUnknown: anything else.
        """
        limit_s = self._lease_s * _PATIENCE
        # Taken before the lease begins: a process that freezes anywhere from here on has less time, never more.
        not_after = self._clock() + limit_s
        await self._begin(claim)
        async with self._doubt(claim):
            try:
                async with asyncio.timeout(limit_s):
                    receipt = await rail.settle(payment, credential, not_after=not_after)
            except PaymentRejected as refusal:  # the only proof; RailUnavailable does not count as one
                unmoved = refusal
            else:
                await self._write_down(payment.id, receipt)
                return receipt
        await self.give_back(claim)
        raise unmoved

    async def clear_doubt(self, rail: Rail, entry: Entry) -> Receipt | None:
        """Ask the chain about a SETTLING payment nobody works on; None: it never moved, and is forgotten.

        Raises:
            PaymentInProgress: somebody else is asking.
            PaymentOutcomeUnknown: the chain gives no answer yet; the entry stays.
        """
        claim = await self._ledger.take_over(entry.payment.id, lease_s=self._lease_s)
        if claim is None:
            raise PaymentInProgress()
        async with self._doubt(claim):
            async with asyncio.timeout(self._lease_s * _PATIENCE):
                receipt = await rail.find_receipt(entry.payment)
            if receipt is not None:
                await self._write_down(entry.payment.id, receipt)
                return receipt
        await self._ledger.release(claim)
        return None

    async def give_back(self, claim: Claim) -> None:
        """Release a claim on a payment that did not move. Fails silently: the lease ends by itself."""
        await _try(self._ledger.release(claim))

    async def _begin(self, claim: Claim) -> None:
        try:
            begun = await self._ledger.begin_settlement(claim, lease_s=self._lease_s)
        except BaseException:
            await self.give_back(claim)
            raise
        if not begun:
            raise PaymentInProgress()

    async def _write_down(self, payment_id: str, receipt: Receipt) -> None:
        # False: our lease was over and somebody else has judged the payment meanwhile; the next look-up tells.
        if not await self._ledger.settled(payment_id, receipt):
            raise PaymentOutcomeUnknown()

    @asynccontextmanager
    async def _doubt(self, claim: Claim) -> AsyncIterator[None]:
        """Whatever ends this block early leaves the entry SETTLING, for the next re-send to ask the chain."""
        try:
            yield
        except BaseException as error:
            await _try(self._ledger.leave_in_doubt(claim))
            if isinstance(error, Exception) and not isinstance(error, PaymentOutcomeUnknown):
                # The money may have moved, so nothing that went wrong here may look like "not charged".
                raise PaymentOutcomeUnknown() from error
            raise


async def _try(change: Awaitable[object]) -> None:
    """A change that only makes the next attempt possible sooner than the end of the lease does."""
    with suppress(ServiceError):
        await change
