"""A service that only quotes, as fast or as slowly and with the status it is told."""

import asyncio

from starlette.responses import Response
from starlette.types import Receive, Scope, Send


class QuotingService:
    """Answers everything with `status` after `seconds`; `addresses` are those of X-Forwarded-For, where it is sent."""

    def __init__(self, *, status: int = 402, seconds: float = 0.0) -> None:
        self._status = status
        self._seconds = seconds
        self.addresses: list[str] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        if b"x-forwarded-for" in headers:
            self.addresses.append(headers[b"x-forwarded-for"].decode())
        await asyncio.sleep(self._seconds)
        response = Response(status_code=self._status, headers={"Server-Timing": "verify;dur=12.5"})
        await response(scope, receive, send)
