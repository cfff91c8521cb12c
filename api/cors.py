"""Cross-origin requests: Starlette's rules, with refusals as problem responses."""

from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from api.problems import CODE, problem
from api.request_id import request_id_of
from errors import BadRequest


class CorsMiddleware(CORSMiddleware):
    """Refuses a preflight with a problem response instead of a line of text.

    Args:
        origin: origin of the problem type's URI.
        rules: arguments of Starlette's middleware.
    """

    def __init__(self, app: ASGIApp, /, *, origin: str = "", **rules: Any) -> None:
        super().__init__(app, **rules)
        self._origin = origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or refuse."""
        headers = Headers(scope=scope)
        if scope["method"] == "OPTIONS" and {"origin", "access-control-request-method"} <= set(headers.keys()):
            answer = self.preflight_response(headers)
            if answer.status_code >= 400:
                CODE.put(scope, BadRequest.code)
                refusal = problem(BadRequest(f"{bytes(answer.body).decode()}."), request_id_of(scope), self._origin)
                kept = [(name, value) for name, value in answer.raw_headers if not name.startswith(b"content-")]
                refusal.raw_headers.extend(kept)
                await refusal(scope, receive, send)
                return
        await super().__call__(scope, receive, send)
