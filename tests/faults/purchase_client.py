"""The buyers' client: requests a quote, sends a payment, and records the outcome."""

import asyncio
import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count, cycle
from random import Random
from typing import Any, Protocol

import httpx

from errors import PaymentState, RetryAction
from sandbox.process import SandboxError
from tests.faults.client import Answer, Lost, Manner, post
from tests.faults.history import Call, History, Order, Payment
from tests.faults.picture_difference import difference
from tests.faults.pictures import Picture
from tests.faults.wallet import Wallet, offers

NOBODY_LISTENS = ConnectionRefusedError.__name__
PROBLEM = "application/problem+json"
_ACTIONS = frozenset(RetryAction)
_AGAIN = frozenset({RetryAction.RESEND_SAME, RetryAction.WAIT_AND_RESEND})
_CHARGED: dict[str | None, bool | None] = {
    PaymentState.UNUSED: False,
    PaymentState.IN_FLIGHT: True,
    PaymentState.SETTLED: True,
}


def digest(picture: bytes) -> str:
    """The digest by which pictures are compared."""
    return hashlib.sha256(picture).hexdigest()[:16]


class Entry(Protocol):
    """Where requests are sent to."""

    @property
    def url(self) -> str: ...
    @property
    def name(self) -> str: ...


class PurchaseClient:
    """Sends requests to the hosts of a leg, each from an address of its own, so that no limit on addresses is met.

    Args:
        expected: the right cut-out by picture name and output format; filled by the undisturbed sales.
        sources: own addresses to send from in turn, where the hosts do not believe X-Forwarded-For.
        statuses: counts of answers to calls, by status and code.
        no_retry_after: statuses of answers of the 500s without Retry-After, those for quotes included.
    """

    def __init__(
        self,
        hosts: Sequence[Entry],
        history: History,
        expected: dict[tuple[str, str], bytes],
        random: Random,
        sources: Sequence[str] = (),
    ) -> None:
        self.hosts = hosts
        self.history = history
        self.expected = expected
        self.random = random
        self.statuses: Counter[str] = Counter()
        self.no_retry_after: Counter[str] = Counter()
        self._addresses = count(1)
        self._sources: Iterator[str | None] = cycle(sources or [None])

    async def sign(self, order: Order, wallet: Wallet) -> Payment | None:
        """Request a quote and sign a payment; None if no quote is available."""
        # A quote for an empty request may be paid with any picture; MPP binds one for a picture to its bytes.
        body = self.random.choice([b"", order.picture.content])
        try:
            quote = await self._post(self.random.choice(self.hosts), order.picture, order, {}, Manner.PLAIN, body=body)
            if quote.status != 402 or not offers(quote, order.way):
                return None
            signed = await wallet.sign(order.way, quote)
        except (Lost, httpx.HTTPError, SandboxError):
            return None
        return self.history.payment(order, signed.headers, signed.key, signed.ledger_id, time.time())

    async def send(
        self,
        payment: Payment,
        manner: Manner = Manner.PLAIN,
        *,
        host: Entry | None = None,
        picture: Picture | None = None,
    ) -> Call:
        """One call with a payment; the call contains the response. `picture` replaces the payment's own one."""
        order, host = payment.order, host or self.random.choice(self.hosts)
        sent = picture or order.picture
        call = self.history.call(payment, host.name, manner, sent.name, time.time())
        try:
            answer = await self._post(host, sent, order, payment.headers, manner)
        except Lost as lost:
            call.lost = str(lost)
            self.history.unheard += call.lost == NOBODY_LISTENS
            self.statuses["nobody listens" if call.lost == NOBODY_LISTENS else "no answer"] += 1
        except asyncio.CancelledError:
            call.lost = "the client gave up"
            raise
        else:
            _note(call, answer)
            self._judge(call, order, sent, answer.body)
            self.statuses[f"{call.status} {call.code or ''}".strip()] += 1
        finally:
            call.ended_at = time.time()
        return call

    def _judge(self, call: Call, order: Order, sent: Picture, body: bytes) -> None:
        if call.answer is not None and sent is order.picture:
            wanted = self.expected.setdefault((sent.name, order.output), body)
            call.right = body == wanted
            call.difference = None if call.right else difference(body, wanted)

    async def _post(
        self,
        host: Entry,
        picture: Picture,
        order: Order,
        payment: dict[str, str],
        manner: Manner,
        *,
        body: bytes | None = None,
    ) -> Answer:
        number = next(self._addresses)
        headers = {
            "Content-Type": picture.media_type,
            "X-Forwarded-For": f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}",
            **payment,
            **({"Idempotency-Key": order.key} if order.key else {}),
        }
        answer = await post(
            host.url,
            picture.content if body is None else body,
            headers,
            parameters=f"format={order.output}",
            manner=manner,
            random=self.random,
            source=next(self._sources),
        )
        if answer.status >= 500 and "retry-after" not in answer.headers:
            self.no_retry_after[f"{answer.status} {'to a payment' if payment else 'to a quote'}"] += 1
        return answer


def _note(call: Call, answer: Answer) -> None:
    call.status = answer.status
    call.request_id = answer.headers.get("x-request-id")
    if answer.status == 200:
        call.answer = digest(answer.body)
        return
    problem = _problem(answer)
    retry_after = answer.headers.get("retry-after", "")
    call.retry_after = float(retry_after) if retry_after.isdecimal() else None
    for name in ("code", "detail", "payment_state", "retry_action", "retryable", "charged"):
        setattr(call, name, problem.get(name))
    call.bare = not _is_clear(call)


def _is_clear(call: Call) -> bool:
    """Whether an error about a payment says what a machine needs; `payment_state` may be left out, "none" is untrue."""
    charged = _CHARGED.get(call.payment_state, call.charged)
    return (
        isinstance(call.retryable, bool)
        and call.retryable == (call.retry_action in _AGAIN)
        and call.retry_action in _ACTIONS
        and call.payment_state != PaymentState.NONE
        and call.charged is charged
    )


def _problem(answer: Answer) -> dict[str, Any]:
    """The members of a problem; empty for other responses."""
    if answer.headers.get("content-type", "").split(";")[0] != PROBLEM:
        return {}
    try:
        members = json.loads(answer.body)
    except ValueError:
        return {}
    return members if isinstance(members, dict) else {}
