"""The gate as ASGI middleware: no payment, no picture; no picture, no settlement."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from errors import PaymentRejected
from payments.gate import Delivery, Gate
from payments.rail import HeaderFields, Order


class PaymentMiddleware:
    """Sells the answer of the app it wraps, which raises `ServiceError` for whatever it cannot do.

    Args:
        order: what this request asks for.
        judge: refuses an unpaid request whose body could never succeed.
        admit: refuses a paid request that cannot be served now, or whose body could never succeed.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        gate: Gate,
        order: Callable[[Scope], Order],
        judge: Callable[[Scope], None],
        admit: Callable[[Scope], Awaitable[None]],
    ) -> None:
        self.app = app
        self.gate = gate
        self.order = order
        self.judge = judge
        self.admit = admit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Quote, refuse or sell."""
        request, order = Request(scope), self.order(scope)
        host = request.url.hostname or ""
        try:
            credential = self.gate.credential(_fields(request), host)
            if credential is None:
                self.judge(scope)
                raise await self.gate.quote(order, host)
            scope["state"]["paid"] = True
            sale = await self.gate.sell(
                credential,
                order,
                admit=lambda: self.admit(scope),
                work=lambda: self._work(scope, receive),
            )
        except PaymentRejected as refusal:
            raise await self.gate.quote(order, host, refusal) from refusal
        response = Response(sale.delivery.body, headers={"Cache-Control": "private"})
        for name, value in (*sale.delivery.headers, *sale.receipt_headers):
            response.headers[name] = value
        if sale.replayed:
            response.headers["Idempotent-Replayed"] = "true"
        await response(scope, receive, send)

    async def _work(self, scope: Scope, receive: Receive) -> Delivery:
        held = _HeldResponse()
        await self.app(scope, receive, held)
        return Delivery(headers=held.headers, body=b"".join(held.parts))


class _HeldResponse:
    """Takes an answer's messages and keeps them, so that nothing is sent before the money has moved."""

    def __init__(self) -> None:
        self.headers: HeaderFields = ()
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            raw: MutableMapping[str, Any] = message
            self.headers = tuple(MutableHeaders(raw=list(raw["headers"])).items())
        elif message["type"] == "http.response.body":
            self.parts.append(message.get("body", b""))


def _fields(request: Request) -> HeaderFields:
    return tuple((name.lower(), value) for name, value in request.headers.items())
