"""The gate: the order in which a picture is paid for, on every rail alike.

    look up → admit → verify → claim → work → settle → deliver

The money moves last and only for a finished picture; whatever fails before that gives the claim back, whatever is
unclear after it stays SETTLING until the chain has spoken (`settlement.py`).
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import structlog

from errors import (
    ClientDisconnected,
    DeadlineUnreachable,
    InternalError,
    MalformedPayment,
    PaymentInProgress,
    PaymentRejected,
    PaymentRequired,
    PaymentState,
    ServiceError,
    Unavailable,
)
from payments.delivery import Delivery
from payments.idempotency import with_idempotency_key
from payments.lease import Leases
from payments.ledger import Claim, Entry, Ledger
from payments.purchases import AlreadySettled, Purchases, Unclaimed, purchase_name
from payments.quotes import Quotes
from payments.rail import Credential, HeaderFields, Order, Payment, PaymentAttempt, Rail, Receipt
from payments.redelivery import Admit, Redelivery
from payments.result_cache import ResultCache
from payments.settlement import Settlement
from payments.standing import Standing, expiry, standing, standing_of_all, stands
from telemetry import PAYMENTS, stage

log = structlog.get_logger(__name__)

T = TypeVar("T")

_APART_S = 0.5
"""How far apart two moments must be to be told apart: one is measured by the ledger's clock, the other by ours, while a
thread or an event loop may have to wait."""


@dataclass(frozen=True, slots=True)
class SaleResult:
    """Goods and receipt. `replayed`: the payment had settled before this request."""

    delivery: Delivery
    receipt_headers: HeaderFields
    replayed: bool


@dataclass(frozen=True, slots=True)
class Claimed:
    """A payment that is ours to work for."""

    payment: Payment
    claim: Claim


@dataclass(frozen=True, slots=True)
class SalePolicy:
    """The gate's own rules.

    Attributes:
        work_lease_s, settle_lease_s: how long a silent holder of a claim is trusted to be alive; while it works, it
            renews its lease.
        max_redeliveries, redelivery_s: the bounds of the entitlement to a lost picture.
        abandoned_s: how long after its lease a claim that nobody came back for is kept.
    """

    work_lease_s: float = 20.0
    settle_lease_s: float = 60.0
    max_redeliveries: int = 20
    redelivery_s: float = 24 * 3600
    abandoned_s: float = 3600.0


class Gate:
    """Sells work for payments over several rails and one ledger.

    Args:
        rails: in the order in which they are quoted.
        hosts: host name → names of the rails quoted there; a host that is not named quotes all.
        outage: says of a rail's name what is out with it, or None; such a rail is not quoted.
        clock: unix seconds.

    Raises:
        ValueError: a host names a rail that there is not.
    """

    def __init__(
        self,
        rails: tuple[Rail, ...],
        ledger: Ledger,
        *,
        terms: SalePolicy | None = None,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
        recent: ResultCache[Delivery] | None = None,
        outage: Callable[[str], str | None] = lambda name: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rails = {rail.name: rail for rail in rails}
        self._ledger = ledger
        self._terms = terms or SalePolicy()
        self._quotes = Quotes(self.rails, hosts=hosts or {}, outage=outage)
        self._clock = clock
        self._leases = Leases(ledger, lease_s=self._terms.work_lease_s)
        self._settlement = Settlement(ledger, lease_s=self._terms.settle_lease_s)
        self._redelivery = Redelivery(
            ledger,
            recent or ResultCache(max_bytes=0),
            at_most=self._terms.max_redeliveries,
            within_s=self._terms.redelivery_s,
        )
        self._purchases = Purchases(ledger, self._settlement, self._redelivery, self.rails)
        self._verifying: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._settling: set[asyncio.Task[Any]] = set()

    async def quote(
        self,
        order: Order,
        host: str,
        refusal: PaymentRejected | None = None,
        attempt: PaymentAttempt | None = None,
    ) -> PaymentRequired:
        """The 402 for an order, see `Quotes.quote`."""
        return await self._quotes.quote(order, host, refusal, attempt)

    def read(self, headers: HeaderFields) -> PaymentAttempt | None:
        """The one payment that came with a request, or None.

        Raises:
            MalformedPayment: unreadable, or more than one.
            BadRequest: its `Idempotency-Key` is unreadable.
            PaymentRejected: unreadable, on a rail that answers this with a quote. It does not say that the payment is
                unused: that is not known of what cannot be read.
        """
        found: list[PaymentAttempt] = []
        unreadable: list[PaymentRejected] = []
        for rail in self.rails.values():
            try:
                attempt = rail.read(headers)
            except PaymentRejected as refusal:
                refusal.payment_state = None
                unreadable.append(refusal)
            else:
                found += [attempt] if attempt else []
        if len(found) + len(unreadable) > 1:
            raise MalformedPayment("Two different payments came with one request. Send one payment only.")
        if unreadable:
            raise unreadable[0]
        if not found:
            return None
        return replace(found[0], credential=with_idempotency_key(found[0].credential, headers))

    async def standing(self, headers: HeaderFields) -> Standing | None:
        """Where the payment stands that came with a request, by the ledger; None when that cannot be told.

        Of several payments, what is known of the one that moved counts.
        """
        found: list[Credential] = []
        unreadable = False
        for rail in self.rails.values():
            try:
                attempt = rail.read(headers)
            except ServiceError:
                unreadable = True
            else:
                found += [attempt.credential] if attempt else []
        told = await standing_of_all(self._ledger, found)
        moves = told is not None and told.state in {PaymentState.IN_FLIGHT, PaymentState.SETTLED}
        return None if unreadable and not moves else told

    async def sell(
        self,
        attempt: PaymentAttempt,
        order: Order,
        *,
        admit: Admit,
        work: Callable[[], Awaitable[Delivery]],
        release: Callable[[], None] = lambda: None,
        host: str = "",
        is_gone: Callable[[], bool] = lambda: False,
        came_at: float = math.inf,
    ) -> SaleResult:
        """Exchange a payment for finished work.

        The sale goes on to its end even when the caller is cancelled.

        Args:
            admit: refuses, before anything is verified, what cannot be done; otherwise the seconds until it begins.
            work: makes the goods. Neither costs the buyer anything when it raises `ServiceError`.
            release: gives back what `admit` took. Called when the goods are there, whether or not they had to be made.
            host: the name that the buyer came by.
            is_gone: whether the buyer can no longer be answered. Asked when the goods are made: who is gone by then is
                not charged, and who leaves later fetches the goods by sending the same payment again.
            came_at: when the request came, by `time.monotonic`; by default it comes now.
        """
        wanted = _Wanted(attempt, order, admit, work, release, host, is_gone, came_at)
        return await self._to_the_end(self._counted(attempt.credential.rail, self._sell(wanted)))

    async def _sell(self, wanted: "_Wanted") -> SaleResult:
        attempt, began = wanted.attempt, time.monotonic()
        found: AlreadySettled | Unclaimed | Claimed = await self._purchases.by_payment(attempt, wanted.order)
        if isinstance(found, Unclaimed):
            _check_came_since(found.seen, wanted.came_at)
            with self._only_copy(attempt.credential):
                found = await self._take(wanted, found, began)
        if isinstance(found, AlreadySettled):
            return await self._deliver_again(found, wanted)

        delivery = await self._work_or_give_back(found.claim, wanted)
        wanted.release()
        with stage("settle"), self._must_end():
            receipt = await self._settlement.settle(found.claim, found.payment, attempt)
        with stands(PaymentState.SETTLED):
            return SaleResult(delivery, attempt.receipt_headers(receipt), replayed=False)

    async def _deliver_again(self, bought: AlreadySettled, wanted: "_Wanted") -> SaleResult:
        # Under an idempotency key it was another payment that settled, so this says nothing about the one that came.
        same = bought.payment_id == wanted.attempt.credential.payment_id
        with stands(PaymentState.SETTLED) if same else nullcontext():
            delivery = await self._redelivery.fetch(bought.payment_id, wanted.order, wanted.admit, wanted.work)
            return SaleResult(delivery, wanted.attempt.receipt_headers(bought.receipt), replayed=True)

    async def _take(self, wanted: "_Wanted", free: Unclaimed, began: float) -> Claimed | AlreadySettled:
        """A free payment, judged and ours to work for; or what its payer has bought under its name."""
        wait_s = await wanted.admit() or 0.0
        payment = await self._verify(wanted, wait_s)
        bought = await self._purchases.by_key(payment, wanted.attempt.credential, wanted.order)
        if bought:
            return bought
        if time.monotonic() - began > self._terms.abandoned_s / 2:
            # What happened to the payment since it was looked up may soon be forgotten, so nothing proves it free.
            raise PaymentInProgress(expires_at=expiry(payment))
        return Claimed(payment, await self._claim(payment, wanted, free))

    @contextmanager
    def _only_copy(self, credential: Credential) -> Iterator[None]:
        """Of copies that are not claimed yet, judge one at a time: each costs calls to the chain, and what one is
        refused for may be over when the other is judged."""
        if credential.payment_id in self._verifying:
            raise PaymentInProgress()
        self._verifying.add(credential.payment_id)
        try:
            yield
        finally:
            self._verifying.remove(credential.payment_id)

    async def _verify(self, wanted: "_Wanted", wait_s: float) -> Payment:
        try:
            with stage("verify"):
                self._quotes.check(wanted.attempt.credential.rail, wanted.host)
                payment = await wanted.attempt.verify(wanted.order)
            if self._clock() + wait_s > payment.work_by:
                raise DeadlineUnreachable("This payment expires before its turn. Take a new quote and sign again.")
            return payment
        except ServiceError as error:
            await self._take_from_others(wanted.attempt.credential, error)
            raise

    async def _take_from_others(self, credential: Credential, refusal: ServiceError) -> None:
        """Before a payment is refused: nobody may have it who could still settle it.

        A holder that went silent loses its claim here, a copy that is still being verified cannot claim any more, and
        both find that out when they get there. A copy that was quicker makes this one look spent; that is never
        answered with a 402.

        Raises:
            PaymentInProgress: somebody else holds it, or it has settled.
        """
        found = await standing(self._ledger, credential)
        if found.state is not PaymentState.UNUSED:
            raise PaymentInProgress(expires_at=found.expires_at) from refusal
        found.tell(refusal)

    async def _claim(self, payment: Payment, wanted: "_Wanted", free: Unclaimed) -> Claim:
        claim = await self._ledger.claim(
            payment,
            seen=free.seen,
            fingerprint=wanted.attempt.credential.fingerprint,
            order_digest=wanted.order.digest,
            lease_s=self._terms.work_lease_s,
            purchase=purchase_name(payment, wanted.attempt.credential, wanted.order),
        )
        if claim is None:
            raise PaymentInProgress(expires_at=expiry(payment))
        if self._clock() > payment.work_by:  # it was verified long ago
            if not await self._settlement.give_back(claim):
                raise PaymentInProgress()
            raise DeadlineUnreachable("Too little time is left for this payment. Take a new quote and sign again.")
        return claim

    async def _work_or_give_back(self, claim: Claim, wanted: "_Wanted") -> Delivery:
        try:
            async with self._leases.keep_claim_alive(claim):
                delivery = self._redelivery.kept(wanted.order) or await wanted.work()
            self._redelivery.keep(wanted.order, delivery)
            if wanted.is_gone():
                raise ClientDisconnected("The client disconnected before the settlement began. Nothing was charged.")
            return delivery
        except BaseException as error:
            if await self._settlement.give_back(claim) and isinstance(error, ServiceError):
                Standing(PaymentState.UNUSED).tell(error)
            raise

    async def _counted(self, rail: str, sale: Awaitable[SaleResult]) -> SaleResult:
        outcome = InternalError.code
        try:
            sold = await sale
            outcome = "replayed" if sold.replayed else "settled"
            return sold
        except ServiceError as error:
            outcome = error.code
            raise
        finally:
            PAYMENTS.labels(rail, outcome).inc()

    @contextmanager
    def _must_end(self) -> Iterator[None]:
        task = asyncio.current_task()
        if task is not None:
            self._settling.add(task)
        try:
            yield
        finally:
            self._settling.discard(cast(asyncio.Task[Any], task))

    @property
    def is_settling(self) -> bool:
        """Whether money is being moved right now."""
        return bool(self._settling)

    def cut_short(self) -> None:
        """The service stops: give back what has not begun to settle; its buyers send the same payment again."""
        for task in self._tasks - self._settling:
            task.cancel()

    async def _to_the_end(self, story: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(story)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Unavailable("The service is being restarted. Send the same payment again shortly.") from None
            task.add_done_callback(_log_abandoned)
            raise

    async def in_doubt(self, at_most: int) -> list[Entry]:
        """Payments over which settlement began and nobody is at work, longest in doubt first; on our rails only."""
        return await self._ledger.in_doubt(self.rails, at_most)

    async def forget_abandoned(self) -> int:
        """Delete the claims of those who went silent long ago; how many there were."""
        return await self._ledger.forget_abandoned(silent_s=self._terms.abandoned_s)

    async def resolve(self, entry: Entry) -> Receipt | None:
        """Ask the chain about a payment in doubt: afterwards it is SETTLED (its receipt), or free (None).

        Raises:
            PaymentInProgress: somebody else is asking.
            PaymentOutcomeUnknown: the chain gives no answer yet.
        """
        return await self._settlement.resolve(entry, self.rails[entry.payment.rail])

    async def aclose(self) -> None:
        """Wait for the sales under way, then close the rails."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        for rail in self.rails.values():
            await rail.aclose()


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One call of `Gate.sell`."""

    attempt: PaymentAttempt
    order: Order
    admit: Admit
    work: Callable[[], Awaitable[Delivery]]
    release: Callable[[], None]
    host: str
    is_gone: Callable[[], bool]
    came_at: float


def _check_came_since(seen: Entry | None, came_at: float) -> None:
    """Judge a request that has just found an abandoned payment: what was abandoned after the request came may have been
    refused, and its buyer may have paid anew.

    Raises:
        PaymentInProgress: so it was. Sent again, the payment is as good as any.
    """
    if seen is not None and time.monotonic() - came_at > _APART_S - seen.lease_left_s:
        raise PaymentInProgress()


def _log_abandoned(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.info("sale_failed_after_disconnect", exc_info=error)
