"""`OPTIONS` on a known path: the methods that it supports (RFC 9110 §9.3.7). CORS preflights are answered before."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


def allow(methods: str) -> str:
    """The value of `Allow` for a route with these methods: every path supports `OPTIONS` too."""
    return ", ".join(sorted({*methods.split(", "), "OPTIONS"}))


class AllowedMethodsMiddleware:
    """Answers OPTIONS if the route below does not support that method."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, or answer 204 with `Allow`."""
        try:
            await self.app(scope, receive, send)
        except HTTPException as error:
            if scope["method"] != "OPTIONS" or error.status_code != 405:
                raise
            answer = Response(status_code=204, headers={"Allow": allow((error.headers or {}).get("Allow", ""))})
            await answer(scope, receive, send)
