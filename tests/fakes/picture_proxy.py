"""Puts a picture into requests of tools that can only send text: every POST goes on with this picture as its body."""

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from tests.fakes.serving import TRUST

NOT_FORWARDED = {"content-length", "content-type", "connection", "transfer-encoding"}
ADDRESS = "198.51.100.7"  # of the tool, as the service is told
NOT_RETURNED = {"content-length", "connection", "transfer-encoding", "date", "server"}


class PictureProxy:
    """An ASGI application before the service at `upstream`; `calls` lists what went through as (method, path, status).

    The Host header is passed on, so that the service sees the address which the tool sees.
    """

    def __init__(self, upstream: str, picture: bytes, media_type: str) -> None:
        self._upstream = upstream
        self._picture = picture
        self._media_type = media_type
        self.calls: list[tuple[str, str, int]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        headers = [(name, value) for name, value in request.headers.items() if name not in NOT_FORWARDED]
        headers.append(("x-forwarded-for", ADDRESS))
        body = b""
        if request.method == "POST":
            headers.append(("content-type", self._media_type))
            body = self._picture
        path = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
            answer = await client.request(request.method, self._upstream + path, headers=headers, content=body)
        self.calls.append((request.method, path, answer.status_code))
        response = Response(answer.content, answer.status_code)
        response.raw_headers.extend(
            (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in NOT_RETURNED
        )
        await response(scope, receive, send)
