"""One log line, one count and one span per request, by route template: no path, query, header or client address."""

import logging
import time

import structlog
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import CODE
from payments.middleware import PAYMENT
from telemetry import ANSWER_SECONDS, REQUESTS
from tracing import RequestSpan, request_span, untraced

log = structlog.get_logger(__name__)

_POLLED = frozenset({"/healthz", "/livez", "/readyz", "/metrics"})
"""Not logged: monitoring requests these paths every few seconds."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLogMiddleware:
    """Counts, logs and traces each response when it ends."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; the status is 0 if the client disconnected before the response."""
        with untraced() if scope["path"] in _POLLED else request_span(scope["headers"]) as traced:
            await self._watched(scope, receive, send, traced)

    async def _watched(self, scope: Scope, receive: Receive, send: Send, traced: RequestSpan) -> None:
        status, start = 0, time.perf_counter()

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            route = scope.get("route")
            # Clients must not be able to create labels.
            template = route.path if isinstance(route, Route) else "unknown"
            method = scope["method"] if scope["method"] in _METHODS else "other"
            REQUESTS.labels(template, method, str(status)).inc()
            rail, seconds = _rail(scope), time.perf_counter() - start
            if template not in _POLLED:
                ANSWER_SECONDS.labels(template, rail, str(status)).observe(seconds)
            traced.answered(f"{method} {template}", status, rail=rail, code=CODE.get(scope))
            log.log(
                logging.DEBUG if template in _POLLED else logging.INFO,
                "request",
                method=method,
                route=template,
                status=status,
                code=CODE.get(scope),
                rail=rail,
                seconds=round(seconds, 4),
            )


def _rail(scope: Scope) -> str:
    payment = PAYMENT.get(scope)
    return payment.attempt.credential.rail if payment and payment.attempt else "none"
