"""One id per request: the client's own if it is valid, bound to every log line and returned."""

import re
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from request_state import StateKey

_REQUEST_ID = StateKey[str]("request_id")
_SANE = re.compile(r"[A-Za-z0-9._-]{1,64}")


def request_id_of(scope: Scope) -> str:
    """The id of the current request."""
    return _REQUEST_ID.of(scope)


class RequestIdMiddleware:
    """Sets `X-Request-Id` on every response and in the request's state."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Accept up to 64 letters, digits, dots, dashes and underscores; otherwise create an id."""
        given = Headers(scope=scope).get("x-request-id", "")
        request_id = given if _SANE.fullmatch(given) else uuid.uuid4().hex
        _REQUEST_ID.put(scope, request_id)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self.app(scope, receive, marked)
