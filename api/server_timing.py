"""The `Server-Timing` header of a paid response: the stages of the picture and of the payment."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry import server_timing, timings


class ServerTimingMiddleware:
    """Collects the stages of one request. It wraps PaymentMiddleware: settlement ends after image processing."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the stages that have ended when the response starts."""
        with timings() as collected:

            async def timed(message: Message) -> None:
                if message["type"] == "http.response.start" and collected:
                    MutableHeaders(scope=message)["Server-Timing"] = server_timing(collected)
                await send(message)

            await self.app(scope, receive, timed)
