"""Header fields for clients of remove.bg: the charge, and the rate limit."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.addresses import address_of
from api.rate_limit import RateLimits, Usage
from errors import ServiceError
from payments import HeaderFields

RATE_LIMIT_HEADERS = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")


class RemoveBgHeadersMiddleware:
    """Adds them to the responses of the route; an error reports its charge only by `charged`.

    A credit is a picture. `X-Type` is always `other`, because pictures are not classified.
    """

    def __init__(self, app: ASGIApp, *, limits: RateLimits) -> None:
        self.app = app
        self.limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on; errors from below get the rate-limit fields."""
        address = address_of(scope)

        async def charged(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=list(message["headers"]))
                credit = "0" if headers.get("idempotent-replayed") == "true" else "1"
                headers.update({"X-Type": "other", "X-Credits-Charged": credit, **dict(self._left(address))})
                message = {**message, "headers": headers.raw}
            await send(message)

        try:
            await self.app(scope, receive, charged)
        except ServiceError as refusal:
            raise refusal.adding(headers=self._left(address)) from refusal

    def _left(self, address: str) -> HeaderFields:
        return left(self.limits.unpaid.used(address))


def left(usage: Usage) -> HeaderFields:
    """The remaining count of a limit, and the unix second of its reset."""
    values = (usage.limit, max(0, usage.limit - usage.count), round(usage.until))
    return tuple((name, str(value)) for name, value in zip(RATE_LIMIT_HEADERS, values, strict=True))
