"""Settles payments, and determines the outcome of unclear settlements."""

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
"""A rail's proof that this ledger's settlement moved no money and no longer can. RailUnavailable is not a proof."""

_LEASE_SHARE = 2 / 3
"""The share of its lease that a settlement may use; the rest is for calls in progress at that time."""


class Settlement:
    """CLAIMED → SETTLING → SETTLED, or released if the chain proves that no money moved; else the entry stays SETTLING.

    Args:
        lease_s: lease of a SETTLING payment.
    """

    def __init__(self, ledger: Ledger, *, lease_s: float) -> None:
        self._ledger = ledger
        self._lease_s = lease_s
        self._limit_s = lease_s * _LEASE_SHARE

    async def settle(
        self, claim: Claim, payment: Payment, attempt: PaymentAttempt, sold: Sold | None = None
    ) -> Receipt:
        """Settle a claimed payment.

        Raises:
            PaymentInProgress: the claim was lost to another process.
            PaymentRejected, PaymentSpentElsewhere: this settlement moved no money, and no process holds the payment.
            PaymentOutcomeUnknown: every other outcome.
        """
        # Both limits start before the lease, so a process that is suspended from here on has less time, never more.
        # `limit` applies while the process runs, `not_after` to what it sends after it was suspended.
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
                await self._record(payment, receipt)
                return receipt
            # Only the current holder may conclude this: another process could have settled it meanwhile.
            if not await self._ledger.release(claim):
                raise PaymentOutcomeUnknown()
        raise unmoved

    async def resolve(self, entry: Entry, finder: ReceiptFinder) -> Receipt | None:
        """Ask the chain about a SETTLING payment whose lease has expired. Returns None if no money moved; then the
        payment is released.

        Args:
            finder: the payment's rail, or its attempt if it was sent again, which may settle it now.

        Raises:
            PaymentInProgress: another process is resolving it.
            PaymentSpentElsewhere: another sender moved the money; the entry is released.
            PaymentOutcomeUnknown: the chain has not decided yet; the entry stays.
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
                await self._record(entry.payment, receipt)
                return receipt
            if not await self._ledger.release(claim):
                raise PaymentOutcomeUnknown()
        if spent is not None:
            raise spent
        return None

    async def give_back(self, claim: Claim) -> bool:
        """Release a claim on a payment that moved no money. Returns whether it was still held, so that no process
        holds the payment now.

        Also returns False if the ledger does not respond: then the lease expires.
        """
        with suppress(ServiceError):
            return await self._ledger.release(claim)
        return False

    async def _begin(self, claim: Claim, sold: Sold | None) -> float:
        """Returns the end of our lease, unix seconds by the ledger's clock."""
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

    async def _record(self, payment: Payment, receipt: Receipt) -> None:
        # False: our lease expired and another process has resolved the payment; the next look-up shows the outcome.
        if not await self._ledger.settled(payment.id, receipt):
            raise PaymentOutcomeUnknown()
        REVENUE.labels(payment.rail, payment.coin).inc(payment.amount)

    @asynccontextmanager
    async def _doubt(self, claim: Claim, payment: Payment) -> AsyncIterator[None]:
        """If the block raises, leave the entry SETTLING, so that the next re-send asks the chain.

        The money may have moved, so no error of the block may be reported as "not charged".
        """
        try:
            yield
        except BaseException as error:
            with suppress(ServiceError):  # only allows the next attempt before the lease expires
                await self._ledger.mark_unresolved(claim)
            if not isinstance(error, Exception):
                raise
            unknown = error if isinstance(error, PaymentOutcomeUnknown) else PaymentOutcomeUnknown()
            raise unknown.with_payment(PaymentState.IN_FLIGHT, expires_at(payment)) from error
