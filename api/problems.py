"""Errors as HTTP: RFC 9457 problem details. The one place where a refusal becomes an answer."""

import json
from typing import Any

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.request_id import request_id_of
from errors import InternalError, MethodNotAllowed, NotFound, PaymentState, ServiceError

log = structlog.get_logger(__name__)


def problem(error: ServiceError, request_id: str) -> Response:
    """The answer to a refusal: its own members first, then whatever its rail adds (the 402's quote)."""
    body: dict[str, Any] = {
        "type": error.type,
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        **_next_step(error),
        "request_id": request_id,
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
    """What became of the payment, and what to do next; what is not known is left out."""
    members = {
        "payment_state": error.payment_state,
        "charged": error.charged,
        "retry_action": error.retry_action,
        "retryable": error.retryable,
        "retry_after": error.retry_after,
        "payment_expires_at": error.payment_expires_at,
    }
    return {name: value for name, value in members.items() if value is not None}


class ProblemMiddleware:
    """Answers whatever was raised below it; a cause that is ours goes to the log and never to the client."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and turn what is raised into a problem unless an answer has begun already."""
        started = False

        async def watched(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except ClientDisconnect:
            log.info("client_hung_up")
        except Exception as error:
            # Whatever a room forgot to map ends here: an operator finds it in the log, a client sees a plain 500.
            if started:
                raise
            refusal = _refusal(error)
            refusal.payment_state = refusal.payment_state or PaymentState.NONE
            scope["state"]["code"] = refusal.code
            await problem(refusal, request_id_of(scope))(scope, receive, send)


def _refusal(error: Exception) -> ServiceError:
    if isinstance(error, ServiceError):
        if error.status >= 500:
            log.warning("refused", code=error.code, detail=error.detail, exc_info=error.__cause__)
        return error
    if isinstance(error, HTTPException) and error.status_code == 404:
        return NotFound("There is nothing under this path. The description of the API is at /openapi.json.")
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = (error.headers or {}).get("Allow", "")
        return MethodNotAllowed(f"This path takes {allowed}.", headers=(("Allow", allowed),))
    log.error("unexpected", exc_info=error)
    return InternalError("Something went wrong on our side. The request id leads the operator to the cause.")
