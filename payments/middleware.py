"""The gate as ASGI middleware: the endpoint runs only for a payment, which settles only for a finished result."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Protocol
from weakref import WeakValueDictionary

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from concurrency import cancel_and_wait
from errors import MalformedPayment, PaymentRejected, ProcessingFailed, ServiceError
from payments.gate import Gate
from payments.order import Order
from payments.quotes import Quote
from payments.rail import HeaderFields, PaymentAttempt
from payments.result_cache import Delivery
from payments.sale import SaleRequest, SaleResult
from request_state import StateKey

__all__ = ["PAYMENT", "PaymentMiddleware", "PresentedPayment", "fields", "is_readable", "presented"]

_QUIET_S = 0.05
_PIECE_BYTES = 256 * 1024


@dataclass
class PresentedPayment:
    """The request's payment, as far as its header alone shows.

    Attributes:
        attempt: None if the header is unreadable.
        payer: address that provably signed it, lower case; None if only the chain can tell.
        fault: why the header is unreadable.
        worked: whether the endpoint has processed the request.
        read_at: when it was first read, by `time.monotonic`.
    """

    attempt: PaymentAttempt | None
    payer: str | None = None
    fault: ServiceError | None = None
    worked: bool = False
    read_at: float = field(default_factory=time.monotonic)


PAYMENT = StateKey[PresentedPayment | None]("payment")
"""Set once the request's headers have been read."""


class PaidResource(Protocol):
    """A paid endpoint."""

    def order(self, scope: Scope) -> Order:
        """The order that a payment for this request buys."""
        ...

    def check_available(self, scope: Scope) -> None:
        """Check that the endpoint can serve now. Raises ServiceError."""
        ...

    def validate_unpaid(self, scope: Scope) -> None:
        """Check that the body of an unpaid request can succeed. Raises ServiceError."""
        ...

    async def admit(self, scope: Scope) -> float | None:
        """Reserve capacity for a paid request. Returns its expected wait in seconds, if known.

        Raises:
            ServiceError: it cannot be served in time, or its body can never succeed.
        """
        ...

    async def complete(self, scope: Scope) -> Order:
        """Fetch the image that the order of a paid request refers to, and reserve capacity for it, once. Returns the
        order with the image.

        Raises:
            ServiceError: it cannot be fetched, can never succeed, or cannot be served in time.
        """
        ...

    def release(self, scope: Scope) -> None:
        """Release the capacity that a request may hold."""
        ...


def presented(gate: Gate, scope: Scope) -> PresentedPayment | None:
    """The request's payment, if any. It is read once and kept in the request's state."""
    return PAYMENT.once(scope, lambda: _read(gate, Request(scope)))


def is_readable(gate: Gate, scope: Scope) -> bool:
    """Whether the request contains a readable payment."""
    payment = presented(gate, scope)
    return payment is not None and payment.fault is None


def _read(gate: Gate, request: Request) -> PresentedPayment | None:
    try:
        attempt = gate.read(fields(request))
    except ServiceError as fault:
        return PresentedPayment(None, fault=fault)
    return None if attempt is None else PresentedPayment(attempt, attempt.signer())


class PaymentMiddleware:
    """Sells the response of the wrapped app, which raises `ServiceError` if it fails."""

    def __init__(self, app: ASGIApp, *, gate: Gate, resource: PaidResource) -> None:
        self.app = app
        self.gate = gate
        self.resource = resource
        self._send_locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Quote, refuse or sell."""
        order = self.resource.order(scope)
        payment = presented(self.gate, scope)
        if payment is None:
            self.resource.validate_unpaid(scope)
            raise (await self._quote(scope, order)).required()
        try:
            sale = await self._sell(payment, order, scope, receive)
        except PaymentRejected as refusal:
            quote = await self._quote(scope, order, refusal.reason)
            raise quote.after(refusal, payment.attempt) from refusal
        async with self._send_lock(payment) if sale.replayed else nullcontext():
            await _send(sale, send)

    def _send_lock(self, payment: PresentedPayment) -> asyncio.Lock:
        """Responses to copies of one payment are sent one after another, so that one payment cannot hold many results
        in memory at slow clients."""
        name = payment.attempt.credential.payment_id if payment.attempt else ""
        return self._send_locks.setdefault(name, asyncio.Lock())

    async def _quote(self, scope: Scope, order: Order, rejection: str | None = None) -> Quote:
        self.resource.check_available(scope)
        return await self.gate.quote(order, _host(scope), rejection)

    async def _sell(self, payment: PresentedPayment, order: Order, scope: Scope, receive: Receive) -> SaleResult:
        if payment.attempt is None:
            raise payment.fault or MalformedPayment("The payment cannot be read.")

        async def work() -> Delivery:
            held = _HeldResponse()
            await self.app(scope, receive, held)
            delivery = held.delivery()
            payment.worked = True
            return delivery

        async with _listening(receive) as has_hung_up:
            request = SaleRequest(
                payment.attempt,
                order,
                admit=lambda: self.resource.admit(scope),
                work=work,
                complete=lambda: self.resource.complete(scope),
                release=lambda: self.resource.release(scope),
                host=_host(scope),
                is_gone=has_hung_up,
                came_at=payment.read_at,
            )
            try:
                return await self.gate.sell(request)
            finally:
                self.resource.release(scope)


def _host(scope: Scope) -> str:
    return Request(scope).url.hostname or ""


@asynccontextmanager
async def _listening(receive: Receive) -> AsyncIterator[Callable[[], bool]]:
    """Detect whether the client disconnects while its request is processed; its body has already been received."""

    async def hang_up() -> None:
        message = await receive()
        while message["type"] != "http.disconnect":
            await asyncio.sleep(_QUIET_S)  # no other message is expected here; if one comes, this loop must not spin
            message = await receive()

    listening = asyncio.create_task(hang_up())
    try:
        yield lambda: listening.done() and not listening.cancelled() and listening.exception() is None
    finally:
        await cancel_and_wait(listening)


class _HeldResponse:
    """Collects a response's messages, so that nothing is sent before the payment has settled."""

    def __init__(self) -> None:
        self._status = 0
        self._headers: HeaderFields = ()
        self._parts: list[bytes] = []
        self._complete = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = tuple(Headers(raw=list(message["headers"])).items())
        elif message["type"] == "http.response.body":
            self._parts.append(message.get("body", b""))
            self._complete = not message.get("more_body", False)

    def delivery(self) -> Delivery:
        """The result. Raises ProcessingFailed unless it is a complete response with status 200."""
        if self._status != 200 or not self._complete:
            raise ProcessingFailed("The image could not be processed.")
        return Delivery(self._headers, b"".join(self._parts))


async def _send(sale: SaleResult, send: Send) -> None:
    """Send the body in pieces, so that the server's buffers never hold all of it for a slow client."""
    body = memoryview(sale.delivery.body)
    headers = MutableHeaders({})
    replayed = (("Idempotent-Replayed", "true"),) if sale.replayed else ()
    for name, value in (*sale.delivery.headers, *sale.receipt_headers, *replayed):
        headers.append(name, value)
    headers.setdefault("Cache-Control", "private")
    headers["Content-Length"] = str(len(body))
    await send({"type": "http.response.start", "status": 200, "headers": headers.raw})
    for start in range(0, max(len(body), 1), _PIECE_BYTES):
        piece = bytes(body[start : start + _PIECE_BYTES])
        await send({"type": "http.response.body", "body": piece, "more_body": start + _PIECE_BYTES < len(body)})


def fields(request: Request) -> HeaderFields:
    """A request's header fields, names in lower case."""
    return tuple((name.lower(), value) for name, value in request.headers.items())
