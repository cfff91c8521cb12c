"""Buys a picture with one payment, through crashes and lost answers.

The order of the steps guarantees it (docs/client.md lists what a crash after each of them leaves):
quote → sign → journal → send → journal the answer. A recorded payment is sent again until the service states its
outcome; a new one is signed only after the service proved the old one unused.
"""

import asyncio
import hashlib
import time
from dataclasses import dataclass, field

import httpx

from clearcanvas.errors import (
    AlreadyPaid,
    CannotBuy,
    ClearCanvasError,
    OutcomeUnknown,
    PictureRefused,
    WalletProblem,
)
from clearcanvas.journal import Journal
from clearcanvas.offers import Offers
from clearcanvas.order import Order
from clearcanvas.payment import Entry
from clearcanvas.picture import HEAD_BYTES, media_type
from clearcanvas.problem import Problem, Step
from clearcanvas.receipt import as_json, receipt
from clearcanvas.service import NoAnswer, Service
from clearcanvas.stages import Observer, Stage

_AFTER_SILENCE_S = 2.0
_MOST_PAYMENTS = 2
"""Per picture and run: a payment that expired, or whose price changed, is replaced once."""


@dataclass(frozen=True)
class Terms:
    """The limits that a buyer sets.

    Attributes:
        budget: limit in base units for all payments of the journal together.
        patience_s: how long one picture is sent again, in seconds.
        pay_again: whether to pay again for a paid picture that can no longer be fetched.
    """

    budget: int
    patience_s: float
    pay_again: bool


@dataclass(frozen=True)
class Delivery:
    """A cut-out, in memory, with the journal's entry of its payment."""

    entry: Entry
    content: bytes = field(repr=False)
    result_sha256: str
    receipt: str
    is_new: bool


class Purchases:
    """Buys from one service."""

    def __init__(self, service: Service, offers: Offers, journal: Journal, terms: Terms, observe: Observer) -> None:
        self._service = service
        self._offers = offers
        self._journal = journal
        self._terms = terms
        self._observe = observe

    async def buy(self, order: Order) -> Delivery:
        """The cut-out of an order, for its open payment or for a new one.

        Raises:
            ClearCanvasError: any but ResultInTheWay; the journal agrees with what the error says.
        """
        entry = await asyncio.to_thread(self._journal.find, order.id)
        is_new, refusal = False, None
        for _ in range(_MOST_PAYMENTS):
            if entry is None:
                entry, is_new = await self._pay(order)
            answer = await self._collect(order, entry)
            if isinstance(answer, httpx.Response):
                return await self._received(order, entry, answer, is_new=is_new)
            refusal = await self._settle_refusal(order, entry, answer)
            entry = None
        raise refusal or CannotBuy("No payment was tried.")

    async def _pay(self, order: Order) -> tuple[Entry, bool]:
        """A recorded payment, not sent yet, and whether this call signed it: another program may have been first."""
        choice = await self._offers.choose(order.url)
        self._observe(order.picture.name, Stage.QUOTED)
        await asyncio.to_thread(self._journal.require_room, choice.offer.amount, self._terms.budget)
        payment = await choice.rail.sign(choice.quote, choice.offer, order.id)
        self._observe(order.picture.name, Stage.SIGNED)
        entry = await asyncio.to_thread(self._journal.record, payment, order.picture.name, self._terms.budget)
        self._observe(order.picture.name, Stage.RECORDED)
        return entry, entry.payment == payment

    async def _collect(self, order: Order, entry: Entry) -> httpx.Response | Problem:
        """Send one payment until the answer is final: a delivery, or a problem that ends this payment."""
        give_up_at = time.monotonic() + self._terms.patience_s
        while True:
            try:
                answer = await self._service.send(order, entry.payment)
            except NoAnswer as silence:
                problem, wait_s, said = None, _AFTER_SILENCE_S, str(silence)
            else:
                if _is_delivery(answer):
                    return answer
                problem = Problem.read(answer)
                wait_s, said = problem.wait_s, problem.message
                if problem.step is not Step.RESEND:
                    return problem
            if time.monotonic() + wait_s > give_up_at:
                raise _out_of_patience(problem, said)
            self._observe(order.picture.name, Stage.WAITING)
            await asyncio.sleep(wait_s)

    async def _received(self, order: Order, entry: Entry, answer: httpx.Response, *, is_new: bool) -> Delivery:
        self._observe(order.picture.name, Stage.ANSWERED)
        digest = hashlib.sha256(answer.content).hexdigest()
        text = as_json(receipt(order, entry.payment, answer, digest))
        await asyncio.to_thread(self._journal.received, entry, digest, text)
        self._observe(order.picture.name, Stage.RECEIVED)
        return Delivery(entry, answer.content, digest, text, is_new)

    async def _settle_refusal(self, order: Order, entry: Entry, problem: Problem) -> ClearCanvasError:
        """Record what a refusal proves. Returns the error to raise if no further payment is tried.

        Raises:
            ClearCanvasError: a new payment must not be signed, or would not help.
        """
        if problem.step is Step.USED_UP and self._terms.pay_again:
            await asyncio.to_thread(self._journal.lost, entry)
            return AlreadyPaid(problem.message)
        if problem.step is Step.USED_UP:
            raise AlreadyPaid(
                f"{order.picture.name} was paid, but that payment no longer delivers it: {problem.message} "
                "Pass --pay-again to buy it again."
            )
        if not problem.is_unused:
            raise OutcomeUnknown(
                f"{order.picture.name}: {problem.message} The payment stays on record; no other one is signed."
            )
        await asyncio.to_thread(self._journal.unused, entry)
        self._offers.forget(order.url)
        if problem.is_funds:
            raise WalletProblem(f"The wallet {entry.payment.payer} lacks funds: {problem.message}")
        if problem.step is Step.GIVE_UP:
            raise PictureRefused(f"{order.picture.name} was refused and not charged: {problem.message}")
        return PictureRefused(f"{order.picture.name}: two payments were refused and not charged: {problem.message}")


def _is_delivery(answer: httpx.Response) -> bool:
    """Whether the body is an image: a proxy or a login page may answer with 200 too."""
    return answer.status_code == 200 and media_type(answer.content[:HEAD_BYTES]) is not None


def _out_of_patience(problem: Problem | None, said: str) -> ClearCanvasError:
    if problem is not None and problem.is_unused:
        return CannotBuy(f"The service does not deliver now; nothing was charged so far: {said}")
    return OutcomeUnknown(f"No final answer came: {said} The payment is on record: run again.", stops_the_run=True)
