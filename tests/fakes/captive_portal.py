"""A network that answers paid requests with a page of its own and status 200, as those of hotels do."""

import httpx

_PAGE = "<html>Please accept the terms of this network.</html>"
_PAID = ("payment-signature", "authorization")


class CaptivePortal(httpx.AsyncHTTPTransport):
    """Between the client and the service. Paid requests are forwarded first if `forward`."""

    def __init__(self, *, forward: bool) -> None:
        super().__init__()
        self._forward = forward

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Unpaid requests pass."""
        if not any(name in request.headers for name in _PAID):
            return await super().handle_async_request(request)
        if self._forward:
            answer = await super().handle_async_request(request)
            await answer.aread()
            await answer.aclose()
        return httpx.Response(200, html=_PAGE)
