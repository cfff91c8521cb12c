"""The gate: the order in which a picture is paid for, on every rail alike.

    look up → admit → verify → claim → work → settle → deliver

`sell` is the whole story. The money moves last and only for a finished picture; whatever fails before that gives
the claim back, whatever is unclear after it stays SETTLING until the chain has spoken (`settlement.py`).
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import structlog

from errors import (
    DeadlineUnreachable,
    IdempotencyKeyUsed,
    InternalError,
    MalformedPayment,
    PaymentInProgress,
    PaymentRejected,
    PaymentRequired,
    PaymentSpentElsewhere,
    PaymentState,
    PaymentUsed,
    RailUnavailable,
    ServiceError,
)
from payments.delivery import Delivery
from payments.idempotency import name_of, named
from payments.lease import renewed
from payments.ledger import Claim, Entry, Ledger
from payments.rail import Credential, HeaderFields, Order, Payment, Rail, Receipt
from payments.recent import RecentDeliveries
from payments.redelivery import Redelivery
from payments.settlement import Settlement
from payments.standing import standing
from telemetry import PAYMENTS, stage

log = structlog.get_logger(__name__)

T = TypeVar("T")
_QUOTE = (
    "This picture costs ${price}. Pay on one of the rails offered, and send an Idempotency-Key with the payment, the"
    " same with each try for this picture: should an answer get lost, the next try is not charged again."
)


@dataclass(frozen=True, slots=True)
class Sale:
    """Goods and receipt. `replayed`: the payment had settled before this request."""

    delivery: Delivery
    receipt_headers: HeaderFields
    replayed: bool


@dataclass(frozen=True, slots=True)
class Bought:
    """A payment that has settled, with its receipt."""

    payment_id: str
    receipt: Receipt


@dataclass(frozen=True, slots=True)
class Taken:
    """A payment that is ours to work for."""

    payment: Payment
    claim: Claim


@dataclass(frozen=True, slots=True)
class Terms:
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
        is_out: says of a rail's name what is out with it, or None; such a rail is not quoted.
        clock: unix seconds.

    Raises:
        ValueError: a host names a rail that there is not.
    """

    def __init__(
        self,
        rails: tuple[Rail, ...],
        ledger: Ledger,
        *,
        terms: Terms | None = None,
        hosts: Mapping[str, tuple[str, ...]] | None = None,
        recent: RecentDeliveries[Delivery] | None = None,
        is_out: Callable[[str], str | None] = lambda name: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rails = {rail.name: rail for rail in rails}
        self._ledger = ledger
        self._terms = terms or Terms()
        self._hosts = {host.lower(): self._named(names) for host, names in (hosts or {}).items()}
        self._is_out = is_out
        self._clock = clock
        self._settlement = Settlement(ledger, lease_s=self._terms.settle_lease_s)
        self._redelivery = Redelivery(
            ledger,
            recent or RecentDeliveries(max_bytes=0),
            at_most=self._terms.max_redeliveries,
            within_s=self._terms.redelivery_s,
        )
        self._being_judged: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()

    async def quote(self, order: Order, host: str, refusal: PaymentRejected | None = None) -> PaymentRequired:
        """The 402 for an order: one answer that the clients of every rail of this host understand.

        A payment that comes all the same over a rail that is out is tried: the chain may be back by then.

        Raises:
            RailUnavailable: every rail of this host is out.
        """
        error = refusal or PaymentRequired(_QUOTE.format(price=order.price))
        rejection = refusal.reason if refusal else None
        offered = [rail for rail in self._offered(host) if self._is_out(rail.name) is None]
        if not offered:
            raise RailUnavailable("No payment can be taken now. Nothing was charged; ask again shortly.", retry_after=5)
        for rail in offered:
            challenge = await rail.challenge(order, rejection)
            error.headers += challenge.headers
            error.members.update(challenge.members)
        return error

    def credential(self, headers: HeaderFields, host: str) -> Credential | None:
        """The one payment that came with a request, or None.

        Raises:
            MalformedPayment: unreadable, or more than one.
            BadRequest: its `Idempotency-Key` is unreadable.
            PaymentRejected: for a rail that is not taken on this host.
        """
        found = [c for rail in self.rails.values() if (c := rail.credential(headers)) is not None]
        if len(found) > 1:
            raise MalformedPayment("Two payments came with one request. Send one payment header only.")
        if not found:
            return None
        if found[0].rail not in {rail.name for rail in self._offered(host)}:
            raise PaymentRejected(f"This host does not take {found[0].rail} payments.", reason="rail_not_offered")
        return named(found[0], headers)

    def signer(self, credential: Credential) -> str | None:
        """Whose signature a payment provably carries, lower case; None where only the chain can tell."""
        return self.rails[credential.rail].signer(credential)

    async def sell(
        self,
        credential: Credential,
        order: Order,
        *,
        admit: Callable[[], Awaitable[None]],
        work: Callable[[], Awaitable[Delivery]],
    ) -> Sale:
        """Exchange a payment for finished work.

        `admit` refuses, before anything is verified, what cannot be done; `work` makes the goods. Both raise
        `ServiceError`, and neither costs the buyer anything when it does. The sale goes on to its end even when
        the caller is cancelled: the buyer who hung up re-sends the same payment.
        """
        return await self._to_the_end(self._counted(credential.rail, self._sell(credential, order, admit, work)))

    async def _sell(
        self,
        credential: Credential,
        order: Order,
        admit: Callable[[], Awaitable[None]],
        work: Callable[[], Awaitable[Delivery]],
    ) -> Sale:
        rail = self.rails[credential.rail]
        found: Bought | Taken | None = await self._look_up(credential, order)
        if found is None:
            with self._only_copy(credential):
                found = await self._take(rail, credential, order, admit)
        if isinstance(found, Bought):
            with _charged():
                delivery = await self._redelivery.fetch(found.payment_id, order, admit, work)
                return Sale(delivery, rail.receipt_headers(found.receipt, credential), replayed=True)

        delivery = await self._work_or_give_back(found.claim, work)
        with stage("settle"):
            receipt = await self._settlement.settle(rail, found.claim, found.payment, credential)
        with _charged():
            self._redelivery.keep(order, delivery)
            return Sale(delivery, rail.receipt_headers(receipt, credential), replayed=False)

    async def _take(
        self, rail: Rail, credential: Credential, order: Order, admit: Callable[[], Awaitable[None]]
    ) -> Taken | Bought:
        """A payment that nobody knows yet, judged and ours to work for; or what its payer has bought under its name."""
        await admit()
        payment = await self._verify(rail, credential, order)
        bought = await self._look_up_purchase(payment, credential, order)
        return bought or Taken(payment, await self._claim(payment, credential, order))

    @contextmanager
    def _only_copy(self, credential: Credential) -> Iterator[None]:
        """Of copies that are not claimed yet, judge one at a time: each costs calls to the chain, and what one is
        refused for may be over when the other is judged."""
        if credential.payment_id in self._being_judged:
            raise PaymentInProgress()
        self._being_judged.add(credential.payment_id)
        try:
            yield
        finally:
            self._being_judged.remove(credential.payment_id)

    async def _look_up(self, credential: Credential, order: Order) -> Bought | None:
        """What this payment has bought; None when it is free to be used."""
        with _charged():
            entry = await self._ledger.find(credential.payment_id)
        if entry is None or entry.is_abandoned:
            return None
        if entry.fingerprint != credential.fingerprint or entry.order_digest != order.digest:
            raise PaymentUsed("This payment belongs to another image or other parameters. Sign a new payment.")
        return await self._bought_by(entry, credential)

    async def _look_up_purchase(self, payment: Payment, credential: Credential, order: Order) -> Bought | None:
        """What this payer has bought under the same idempotency key with another payment; that payer is verified."""
        purchase = _purchase(payment, credential, order)
        if purchase is None:
            return None
        with _charged():
            entry = await self._ledger.find_purchase(purchase)
            if entry is None or entry.is_abandoned or await self._redelivery.ends(purchase, entry):
                return None
        if entry.order_digest != order.digest:
            raise IdempotencyKeyUsed(
                "This idempotency key belongs to another image or other parameters. Take a new one."
            )
        return await self._bought_by(entry)

    async def _bought_by(self, entry: Entry, credential: Credential | None = None) -> Bought | None:
        """The end of an entry that is not free; None: it has just been proven unmoved, and is forgotten. `credential`
        is the entry's own payment, when that was sent again."""
        receipt = entry.receipt
        if receipt is None:
            if entry.lease_runs:
                raise PaymentInProgress()
            with _charged():
                receipt = await self.clear_doubt(entry, credential)
        return Bought(entry.payment.id, receipt) if receipt else None

    async def _verify(self, rail: Rail, credential: Credential, order: Order) -> Payment:
        try:
            with stage("verify"):
                return await rail.verify(credential, order)
        except ServiceError as error:
            await self._take_from_others(credential, error)
            raise

    async def _take_from_others(self, credential: Credential, refusal: ServiceError) -> None:
        """Before a payment is refused: nobody may hold it who could still settle it.

        A holder that went silent loses its claim here, and finds that out when it wakes up. A copy that was quicker
        makes this one look spent; that is never answered with a 402.

        Raises:
            PaymentInProgress: somebody else holds it, or it has settled.
        """
        found = await standing(self._ledger, credential.payment_id)
        if found.state is not PaymentState.UNUSED:
            raise PaymentInProgress(expires_at=found.expires_at) from refusal
        refusal.payment_state = refusal.payment_state or found.state

    async def _claim(self, payment: Payment, credential: Credential, order: Order) -> Claim:
        claim = await self._ledger.claim(
            payment,
            fingerprint=credential.fingerprint,
            order_digest=order.digest,
            lease_s=self._terms.work_lease_s,
            purchase=_purchase(payment, credential, order),
        )
        if claim is None:
            raise PaymentInProgress()
        # A copy of this payment may have been refused for its time while this one was being verified, and its buyer
        # told to pay anew. Whoever is refused from here on finds the claim.
        if self._clock() > payment.work_by:
            if not await self._settlement.give_back(claim):
                raise PaymentInProgress()
            raise DeadlineUnreachable("Too little time is left for this payment. Take a new quote and sign again.")
        return claim

    async def _work_or_give_back(self, claim: Claim, work: Callable[[], Awaitable[Delivery]]) -> Delivery:
        try:
            async with renewed(self._ledger, claim, lease_s=self._terms.work_lease_s):
                return await work()
        except BaseException:
            await self._settlement.give_back(claim)
            raise

    async def _counted(self, rail: str, sale: Awaitable[Sale]) -> Sale:
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

    async def _to_the_end(self, story: Coroutine[Any, Any, T]) -> T:
        task = asyncio.create_task(story)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_log_abandoned)
            raise

    async def in_doubt(self, at_most: int) -> list[Entry]:
        """Payments over which settlement began and nobody is at work, longest in doubt first; on our rails only."""
        return await self._ledger.in_doubt(self.rails, at_most)

    async def forget_abandoned(self) -> int:
        """Delete the claims of those who went silent long ago; how many there were."""
        return await self._ledger.forget_abandoned(silent_s=self._terms.abandoned_s)

    async def clear_doubt(self, entry: Entry, credential: Credential | None = None) -> Receipt | None:
        """Ask the chain about a payment in doubt: afterwards it is SETTLED (its receipt), or forgotten (None).

        Raises:
            PaymentInProgress: somebody else is asking.
            PaymentOutcomeUnknown: the chain gives no answer yet.
        """
        return await self._settlement.clear_doubt(self.rails[entry.payment.rail], entry, credential)

    def _offered(self, host: str) -> tuple[Rail, ...]:
        return self._hosts.get(host.lower(), tuple(self.rails.values()))

    def _named(self, names: tuple[str, ...]) -> tuple[Rail, ...]:
        unknown = set(names) - self.rails.keys()
        if unknown:
            raise ValueError(f"no such rail: {', '.join(sorted(unknown))}")
        return tuple(self.rails[name] for name in names)

    async def aclose(self) -> None:
        """Wait for the sales under way, then close the rails."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))
        for rail in self.rails.values():
            await rail.aclose()


@contextmanager
def _charged() -> Iterator[None]:
    """The payment has settled, or it is not known that it has not: no failure in here may say "not charged"."""
    try:
        yield
    except PaymentSpentElsewhere:
        raise  # says more
    except ServiceError as error:
        error.payment_state = PaymentState.IN_FLIGHT
        raise
    except Exception as error:
        # A bug of ours must not make the buyer pay anew either.
        failure = InternalError("Something went wrong on our side. Send the same payment again; do not pay anew.")
        failure.payment_state = PaymentState.IN_FLIGHT
        raise failure from error


def _purchase(payment: Payment, credential: Credential, order: Order) -> str | None:
    """The ledger's name for the purchase: nobody can use a key of somebody else's."""
    key = name_of(credential, order)
    return None if key is None else f"{payment.rail}:{payment.payer}:{key}"


def _log_abandoned(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.info("sale_failed_unheard", exc_info=error)
