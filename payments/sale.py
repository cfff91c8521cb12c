"""A sale: the steps in which an image is paid for and processed, the same on every rail.

    look up → admit → verify → (fetch) → claim → work → settle → deliver

The money moves last, and only for a finished result. A failure before the settlement releases the claim. An unclear
settlement stays SETTLING until the chain has decided (`settlement.py`).
"""

import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from errors import (
    BadRequest,
    ClientDisconnected,
    DeadlineUnreachable,
    InternalError,
    Overloaded,
    PaymentInProgress,
    PaymentState,
    PictureChanged,
    ServiceError,
    UploadTooLarge,
)
from payments.deny_list import DenyList
from payments.lease import Leases
from payments.ledger import Claim, Entry, Ledger
from payments.order import Order
from payments.payment_status import PaymentStatus, expires_at, failures_report, status_of
from payments.policy import SalePolicy
from payments.purchases import AlreadySettled, Purchases, Unclaimed, purchase_name
from payments.quotes import Quotes
from payments.rail import Credential, HeaderFields, Payment, PaymentAttempt, Rail, Receipt
from payments.receipts.signed import ReceiptSigner
from payments.receipts.sold import Sold, sold
from payments.redelivery import Admit, Redelivery, Work
from payments.result_cache import Delivery, ResultCache
from payments.sales_in_progress import SalesInProgress
from payments.settlement import Settlement
from telemetry import stage

Complete = Callable[[], Awaitable[Order]]


async def _is_complete() -> Order:
    raise InternalError("This order has no URL to fetch.")


_APART_S = 0.5
"""Minimum distance of two times that are measured by two clocks, the ledger's and ours, of which a thread or an event
loop may have delayed either."""


@dataclass(frozen=True, slots=True)
class SaleRequest:
    """A payment and the order that it is for.

    Attributes:
        admit: reserves capacity before the payment is verified, or refuses. Returns the expected wait in seconds.
        complete: fetches the image of an open order, and reserves capacity for it, after the payment is verified.
            Returns the order with the image.
        work: produces the result. The buyer is not charged if `admit`, `complete` or `work` raises `ServiceError`.
        release: releases what `admit` reserved. Called once the result exists, new or cached.
        host: the host name of the request.
        is_gone: whether the client has disconnected. Called once the result exists: a client that has disconnected by
            then is not charged; one that disconnects later gets the result by sending the same payment again.
        came_at: when the request arrived, by `time.monotonic`; by default now.
    """

    attempt: PaymentAttempt
    order: Order
    admit: Admit
    work: Work
    complete: Complete = _is_complete
    release: Callable[[], None] = lambda: None
    host: str = ""
    is_gone: Callable[[], bool] = lambda: False
    came_at: float = math.inf


@dataclass(frozen=True, slots=True)
class SaleResult:
    """The result and its receipt. `replayed`: the payment had settled before this request."""

    delivery: Delivery
    receipt_headers: HeaderFields
    replayed: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A verified payment whose claim this request holds."""

    payment: Payment
    claim: Claim
    order: Order


class Sales:
    """Sells work for payments over several rails and one ledger.

    Args:
        rails: by name.
        quotes: the rails of each host.
        in_progress: registers each settlement.
        results: cache of recent results.
        clock: unix seconds.
        signer: signs receipts; None: only the rails' receipts are sent.
        denied: payers who are refused; what they have bought before is still delivered.
    """

    def __init__(
        self,
        rails: dict[str, Rail],
        ledger: Ledger,
        quotes: Quotes,
        in_progress: SalesInProgress,
        *,
        policy: SalePolicy,
        results: ResultCache,
        clock: Callable[[], float],
        signer: ReceiptSigner | None = None,
        denied: DenyList | None = None,
    ) -> None:
        self._signer = signer
        self._denied = denied or DenyList(None)
        self._ledger = ledger
        self._quotes = quotes
        self._in_progress = in_progress
        self._policy = policy
        self._clock = clock
        self._leases = Leases(ledger, lease_s=policy.work_lease_s)
        self._settlement = Settlement(ledger, lease_s=policy.settle_lease_s)
        self._redelivery = Redelivery(ledger, results, at_most=policy.max_redeliveries, within_s=policy.redelivery_s)
        self._purchases = Purchases(ledger, self._settlement, self._redelivery, rails)
        self._verifying: set[str] = set()

    async def sell(self, request: SaleRequest) -> SaleResult:
        """Exchange a payment for finished work."""
        attempt, began = request.attempt, time.monotonic()
        found: AlreadySettled | Unclaimed | Claimed = await self._purchases.by_payment(attempt, request.order)
        if isinstance(found, Unclaimed):
            _check_came_since(found.seen, request.came_at)
            with self._only_copy(attempt.credential.payment_id):
                found = await self._take(request, found, began)
        if isinstance(found, AlreadySettled):
            return await self._deliver_again(found, request)

        delivery = await self._work_or_give_back(found, request)
        bought = _sold(found.order, delivery, found.payment)
        request.release()
        with stage("settle"), self._in_progress.settling():
            receipt = await self._settlement.settle(found.claim, found.payment, attempt, bought)
        with failures_report(PaymentState.SETTLED):
            proof = (*attempt.receipt_headers(receipt), *self._signed(bought, found.payment, receipt))
            return SaleResult(delivery, proof, replayed=False)

    async def _take(self, request: SaleRequest, free: Unclaimed, began: float) -> Claimed | AlreadySettled:
        """Admit, verify and claim a free payment; or find what its payer bought under the same idempotency key."""
        wait_s = await request.admit() or 0.0
        turn = self._clock() + wait_s
        self._check_turn(request.attempt, turn)
        payment = await self._verify(request, turn)
        order, credential = request.order, request.attempt.credential
        bought = await self._purchases.by_key(payment, credential, order)
        if bought is None and order.is_open:
            order = await request.complete()
            bought = await self._purchases.by_key(payment, credential, order)
        if bought:
            return bought
        if time.monotonic() - began > self._policy.abandoned_s / 2:
            # An entry that was written since the look-up may soon be deleted, so the payment may not be free.
            raise PaymentInProgress(expires_at=expires_at(payment))
        return Claimed(payment, await self._claim(payment, credential, order, free), order)

    def _check_turn(self, attempt: PaymentAttempt, turn: float) -> None:
        """Refuse a payment that only the queue makes too late, before it is verified: a refusal must cost little while
        there is a queue, and it must not count against the payer.

        Args:
            turn: unix seconds at which the work is expected to begin.

        Raises:
            Overloaded: it expires before its turn.
        """
        wait_s = math.ceil(turn - self._clock())
        if self._clock() <= attempt.work_by < turn:
            raise Overloaded(
                f"This payment expires before its turn, in about {wait_s} seconds. Send the same request then: the"
                " answer is the result or a new quote.",
                retry_after=wait_s,
            )

    async def _verify(self, request: SaleRequest, turn: float) -> Payment:
        try:
            with stage("verify"):
                self._quotes.check(request.attempt.credential.rail, request.host)
                payment = await request.attempt.verify(request.order)
                self._denied.check(payment.payer)  # not before: only verification proves that it is unused
            if max(self._clock(), turn) > payment.work_by:
                raise DeadlineUnreachable("This payment expires too soon. Get a new quote and sign again.")
            return payment
        except ServiceError as refusal:
            status = await self._take_from_others(request.attempt, refusal)
            raise status.told_by(refusal) from refusal

    async def _take_from_others(self, attempt: PaymentAttempt, refusal: ServiceError) -> PaymentStatus:
        """Before a payment is refused, ensure that no process can still settle it.

        A holder whose lease has expired loses its claim, and a copy that is still being verified can no longer claim;
        both detect this at their next step. If a faster copy has settled the payment, verification of this one fails;
        that must not result in a 402.

        Raises:
            PaymentInProgress: another process holds the payment, or it has settled.
        """
        found = await status_of(self._ledger, attempt.credential)
        if found.state is not PaymentState.UNUSED:
            raise PaymentInProgress(expires_at=found.expires_at) from refusal
        return found

    async def _claim(self, payment: Payment, credential: Credential, order: Order, free: Unclaimed) -> Claim:
        claim = await self._ledger.claim(
            payment,
            seen=free.seen,
            fingerprint=credential.fingerprint,
            order_digest=order.bought,
            lease_s=self._policy.work_lease_s,
            purchase=purchase_name(payment, credential, order),
            product=order.product,
        )
        if claim is None:
            raise PaymentInProgress(expires_at=expires_at(payment))
        if self._clock() > payment.work_by:  # it was verified long ago
            if not await self._settlement.give_back(claim):
                raise PaymentInProgress()
            raise DeadlineUnreachable("Too little time is left for this payment. Get a new quote and sign again.")
        return claim

    async def _work_or_give_back(self, found: Claimed, request: SaleRequest) -> Delivery:
        try:
            async with self._leases.keep_claim_alive(found.claim):
                delivery = self._redelivery.kept(found.order) or await request.work()
            self._redelivery.keep(found.order, delivery)
            if request.is_gone():
                raise ClientDisconnected("The client disconnected before the settlement began. Nothing was charged.")
            return delivery
        except BaseException as error:
            if await self._settlement.give_back(found.claim) and isinstance(error, ServiceError):
                raise PaymentStatus(PaymentState.UNUSED).told_by(error) from error
            raise

    async def _deliver_again(self, bought: AlreadySettled, request: SaleRequest) -> SaleResult:
        # Found by idempotency key, the purchase belongs to another payment: its state is not that of this request's.
        same = bought.payment.id == request.attempt.credential.payment_id
        with failures_report(PaymentState.SETTLED) if same else nullcontext():
            delivery = await self._redelivery.fetch(
                bought.payment.id, bought.result, request.admit, lambda: _work_again(request, bought.result)
            )
            signed = self._signed(bought.sold, bought.payment, bought.receipt)
            return SaleResult(delivery, (*request.attempt.receipt_headers(bought.receipt), *signed), replayed=True)

    def _signed(self, bought: Sold | None, payment: Payment, receipt: Receipt) -> HeaderFields:
        return self._signer.headers(bought, payment, receipt) if self._signer and bought else ()

    @contextmanager
    def _only_copy(self, payment_id: str) -> Iterator[None]:
        """Verify only one of several unclaimed copies at a time: each costs calls to the chain, and the reason for
        refusing one may have ended when the next is verified."""
        if payment_id in self._verifying:
            raise PaymentInProgress()
        self._verifying.add(payment_id)
        try:
            yield
        finally:
            self._verifying.remove(payment_id)


def _sold(order: Order, delivery: Delivery, payment: Payment) -> Sold:
    return sold(delivery.body, input_sha256=order.input_sha256, currency=payment.currency, facts=order.facts)


async def _work_again(request: SaleRequest, result: str) -> Delivery:
    """Repeat the work for the result that was bought, and for no other.

    Raises:
        PictureChanged: the order's URL now returns another image or none.
    """
    if request.order.is_open:
        try:
            order = await request.complete()
        except (BadRequest, UploadTooLarge) as error:
            raise PictureChanged() from error
        if not order.is_result(result):
            raise PictureChanged()
    return await request.work()


def _check_came_since(seen: Entry | None, came_at: float) -> None:
    """Check that an abandoned payment was abandoned before this request arrived. Otherwise it may have been refused
    meanwhile, and its buyer may have signed a new payment.

    Raises:
        PaymentInProgress: it was abandoned later. The same payment can be sent again.
    """
    if seen is not None and time.monotonic() - came_at > _APART_S - seen.lease_left_s:
        raise PaymentInProgress()
