"""Moves the money, and finds out whether it moved: the only file in which a payment can be in doubt."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from errors import (
    PaymentInProgress,
    PaymentOutcomeUnknown,
    PaymentRejected,
    PaymentSpentElsewhere,
    PaymentState,
    ServiceError,
)
from payments.ledger import Claim, Entry, Ledger
from payments.payment_status import expires_at
from payments.rail import Hold, Payment, PaymentAttempt, Receipt, ReceiptFinder
from payments.receipts.sold import Sold
from telemetry import REVENUE

_PROVEN = (PaymentRejected, PaymentSpentElsewhere)
"""A rail's proof that by our hand nothing moved, and nothing of ours can still move. RailUnavailable does not count as
proof."""

_PATIENCE = 2 / 3
"""How much of its lease a settlement may use; the rest is for what is under way when that time is over."""


class Settlement:
    """CLAIMED → SETTLING → SETTLED, or back to nothing on the chain's word; without it the entry stays SETTLING.

    Args:
        lease_s: how long a silent holder of a SETTLING payment is trusted to be alive.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._limit_s = lease_s * _PATIENCE

    async def settle(
        self, claim: Claim, payment: Payment, attempt: PaymentAttempt, sold: Sold | None = None
    ) -> Receipt:
        """Settle a claimed payment.

        Raises:
            PaymentInProgress: another process has taken the claim.
            PaymentRejected, PaymentSpentElsewhere: by our hand nothing moved, and nobody else holds the payment.
            PaymentOutcomeUnknown: anything else.
        """
        # Both limits begin before the lease does: a process that freezes anywhere from here on has less time, never
        # more. This one holds while the process runs; `not_after` holds for what it does when it wakes up.
        limit = asyncio.get_running_loop().time() + self._limit_s
        not_after = await self._begin(claim, sold) - self._lease_s + self._limit_s
        hold = Hold(claim.holder, not_after=not_after, limit=limit)
        async with self._doubt(claim, payment):
            try:
                async with asyncio.timeout_at(limit):
                    receipt = await attempt.settle(payment, hold=hold)
            except _PROVEN as refusal:
                unmoved = refusal
            else:
                await self._write_down(payment, receipt)
                return receipt
            # Only the present holder may conclude this: another process could have settled it meanwhile.
            if not await self._ledger.release(claim):
                raise PaymentOutcomeUnknown()
        raise unmoved

    async def resolve(self, entry: Entry, finder: ReceiptFinder) -> Receipt | None:
        """Ask the chain about a SETTLING payment without a holder. Returns None if it never moved and was released.

        Args:
            finder: the payment's rail, or its attempt when it was sent again, which may settle it now.

        Raises:
            PaymentInProgress: another process is resolving it.
            PaymentSpentElsewhere: others moved it; the entry is given up.
            PaymentOutcomeUnknown: the chain gives no answer yet; the entry stays.
        """
        claim = await self._ledger.take_over(entry.payment.id, lease_s=self._lease_s)
        if claim is None:
            raise PaymentInProgress(expires_at=expires_at(entry.payment))
        async with self._doubt(claim, entry.payment):
            receipt, spent = None, None
            try:
                async with asyncio.timeout(self._limit_s):
                    receipt = await finder.find_receipt(entry.payment)
            except PaymentSpentElsewhere as refusal:
                spent = refusal
            if receipt is not None:
                await self._write_down(entry.payment, receipt)
                return receipt
            if not await self._ledger.release(claim):
                raise PaymentOutcomeUnknown()
        if spent is not None:
            raise spent
        return None

    async def give_back(self, claim: Claim) -> bool:
        """Release a claim on a payment that did not move; whether it was still ours, so that nobody has it now.

        Also False when the ledger does not answer: the lease ends by itself.
        """
        with suppress(ServiceError):
            return await self._ledger.release(claim)
        return False

    async def _begin(self, claim: Claim, sold: Sold | None) -> float:
        """When our lease ends, unix seconds by the ledger's clock."""
        try:
            ends = await self._ledger.begin_settlement(claim, lease_s=self._lease_s, sold=sold)
        except BaseException as error:
            if await self.give_back(claim) and isinstance(error, ServiceError):
                raise error.with_payment(PaymentState.UNUSED) from error
            raise
        if ends is None:
            await self.give_back(claim)
            raise PaymentInProgress()
        return ends

    async def _write_down(self, payment: Payment, receipt: Receipt) -> None:
        # False: our lease expired and another process has resolved the payment; the next look-up shows the result.
        if not await self._ledger.settled(payment.id, receipt):
            raise PaymentOutcomeUnknown()
        REVENUE.labels(payment.rail, payment.coin).inc(payment.amount)

    @asynccontextmanager
    async def _doubt(self, claim: Claim, payment: Payment) -> AsyncIterator[None]:
        """Whatever ends this block early leaves the entry SETTLING, for the next re-send to ask the chain.

        The money may have moved, so nothing that goes wrong in here may look like "not charged".
        """
        try:
            yield
        except BaseException as error:
            with suppress(ServiceError):  # it only makes the next attempt possible sooner than the end of the lease
                await self._ledger.mark_unresolved(claim)
            if not isinstance(error, Exception):
                raise
            unknown = error if isinstance(error, PaymentOutcomeUnknown) else PaymentOutcomeUnknown()
            raise unknown.with_payment(PaymentState.IN_FLIGHT, expires_at(payment)) from error
