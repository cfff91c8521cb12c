"""A proxy before a node or a facilitator that fails on demand, and tells in every failure all that it was told."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import serving

Mode = Literal["well", "status", "html", "rpc_error", "reverted", "refused", "lost_reply", "hang"]


class TalkativeProxy:
    """Forwards every path to `upstream + target(path)`.

    Attributes:
        mode: how it fails: "status" 503; "html" 200 without JSON; "rpc_error" and "reverted" JSON-RPC errors; "refused"
            a facilitator's refusal; "lost_reply" forwards and answers 502; "hang" answers nothing until the mode
            changes. The text of each holds the request's URL, its header fields and its body.
        only: the words of which a request's path or body must hold one to fail.
    """

    def __init__(self, upstream: str, target: Callable[[str], str]) -> None:
        self.mode: Mode = "well"
        self.only: tuple[str, ...] = ("",)
        self._upstream = upstream
        self._target = target

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Listen until the block ends; gives host and port."""
        with serving(Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])) as url:
            yield url.removeprefix("http://")

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        mode = self.mode if any(word in request.url.path + body.decode() for word in self.only) else "well"
        if mode == "well":
            return await self._forward(request, body)
        if mode == "lost_reply":
            await self._forward(request, body)
        while mode == "hang" and self.mode == "hang":  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.05)
        return _failure(mode, f"{request.url} {dict(request.headers)} {body.decode()}")

    async def _forward(self, request: Request, body: bytes) -> Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            url = self._upstream + self._target(request.url.path)
            headers = {"Content-Type": "application/json"}
            answer = await client.request(request.method, url, content=body, headers=headers)
        return Response(answer.content, answer.status_code, media_type="application/json")


def _failure(mode: Mode, told: str) -> Response:
    header = {"X-Told": told.encode("unicode_escape").decode()[:2000]}
    refusal = {"isValid": False, "invalidReason": told, "success": False, "errorReason": told, "transaction": ""}
    error = {"code": 3, "message": f"execution reverted: {told}"} if mode == "reverted" else {"code": -1, "message": told}
    match mode:
        case "rpc_error" | "reverted":
            return JSONResponse({"jsonrpc": "2.0", "id": 1, "error": error}, headers=header)
        case "refused":
            return JSONResponse({**refusal, "network": "eip155:84532"}, headers=header)
        case "html":
            return Response(f"<html>{told}", headers=header)
    return Response(told, status_code=502 if mode == "lost_reply" else 503, headers=header)
