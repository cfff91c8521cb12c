"""Errors as HTTP: RFC 9457 problem details. Only this module converts errors to responses."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.allowed_methods import allow
from api.request_id import request_id_of
from errors import InternalError, MethodNotAllowed, NotFound, Overloaded, PaymentState, ServiceError
from payments import payment_headers
from request_state import StateKey
from tracing import trace_id

log = structlog.get_logger(__name__)

CODE = StateKey[str]("code")
"""The error code of a request's response."""

PROBLEMS_PATH = "/problems"
"""Path prefix of the problem types' pages."""


def problem(error: ServiceError, request_id: str, origin: str = "") -> Response:
    """The response to an error: its own members first, then those of its rail (the 402's quote).

    Args:
        origin: origin of the problem type's URI; without it, the URI is a path.
    """
    body: dict[str, Any] = {
        "type": error.type or f"{origin}{PROBLEMS_PATH}/{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **_next_step(error),
        "request_id": request_id,
        **({"trace_id": trace} if (trace := trace_id()) else {}),
        **error.members,
    }
    response = Response(
        json.dumps(body, ensure_ascii=False, separators=(",", ":")),
        status_code=error.status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store"},
    )
    for name, value in error.headers:
        response.headers.append(name, value)
    if error.retry_after is not None:
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _next_step(error: ServiceError) -> dict[str, Any]:
    """The members about the payment and the next step; unknown ones are absent."""
    members = {
        "payment_state": error.payment_state,
        "charged": error.charged,
        "retry_action": error.retry_action,
        "retryable": error.retryable,
        "retry_after": error.retry_after,
        "payment_expires_at": error.payment_expires_at,
    }
    return {name: value for name, value in members.items() if value is not None}


class FurtherMembers(Protocol):
    """Additional members for clients of another API."""

    def __call__(self, path: str, refusal: ServiceError) -> Mapping[str, Any]:
        """The additional members of an error on a path."""
        ...


@dataclass(eq=False)
class ProblemMiddleware:
    """Converts every exception from below to a response; internal causes go to the log, never to the client.

    Args:
        origin: origin of the problem types' URIs.
        payment_headers: lower-case names of the payment header fields. A request with one of them does not count as
            unpaid before it is parsed.
        further: additional members by path.
    """

    app: ASGIApp
    origin: str = ""
    payment_headers: Collection[str] = payment_headers()
    further: FurtherMembers = lambda path, refusal: {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; convert an exception to a problem unless the response has started."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            log.info("client_disconnected")
        except Exception as error:
            # Unmapped exceptions: the operator finds them in the log, the client gets a plain 500.
            if started:
                raise
            refusal = refusal_of(error)
            _log(refusal)
            CODE.put(scope, refusal.code)
            if refusal.payment_state is None and not any(name in Headers(scope=scope) for name in self.payment_headers):
                refusal = refusal.with_payment(PaymentState.NONE)
            refusal = refusal.adding(members=self.further(scope["path"], refusal))
            await problem(refusal, request_id_of(scope), self.origin)(scope, receive, send)


def refusal_of(error: Exception) -> ServiceError:
    """The error for an exception; an unmapped exception becomes its cause."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, MemoryError):
        refusal: ServiceError = Overloaded("There is not enough memory for this image now. Send it again shortly.")
        refusal.__cause__ = error
        return refusal
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound("No such path. The API is described at /openapi.json.")
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"Method not allowed; use {allowed}.", headers=(("Allow", allow(allowed)),))
    refusal = InternalError("Internal error. Quote request_id when contacting the operator.")
    refusal.__cause__ = error
    return refusal


def _log(refusal: ServiceError) -> None:
    cause = refusal.__cause__
    while isinstance(cause, ServiceError) and (cause.code, cause.detail) == (refusal.code, refusal.detail):
        cause = cause.__cause__  # the same error, before its payment's state was known
    if type(refusal) is InternalError:
        log.error("unexpected_error", exc_info=cause)
    elif refusal.status >= 500:
        log.warning("request_failed", code=refusal.code, detail=refusal.detail, exc_info=cause)
