"""A proxy before a node or a facilitator that fails on demand, and tells in every failure all that it was told."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import cycle
from typing import Literal

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import TRUST, serving

Mode = Literal["well", "status", "html", "rpc_error", "reverted", "refused", "lost_reply", "hang"]
HANG_S = 4.0


class TalkativeProxy:
    """Forwards every path to `upstream + target(path)`.

    Attributes:
        failures: how often it failed in each way.
    """

    def __init__(self, upstream: str, target: Callable[[str], str]) -> None:
        self.failures: Counter[Mode] = Counter()
        self._upstream = upstream
        self._target = target
        self._modes: Iterator[Mode] = cycle(("well",))
        self._only: tuple[str, ...] = ()
        self._steady: dict[bytes, Mode] | None = None

    def fail(self, *modes: Mode, only: tuple[str, ...] = ("",), steady: bool = False) -> None:
        """From now on each request that holds one of the words `only` in its path or body fails in the next way; with
        `steady`, a body that comes again fails as it did at first.

        "status" is 503; "html" 200 without JSON; "rpc_error" and "reverted" JSON-RPC errors; "refused" a facilitator's
        refusal; "lost_reply" forwards and answers 502; "hang" answers 503 after `HANG_S` seconds. The text of each
        holds the request's URL, its header fields and its body.
        """
        self._modes, self._only, self._steady = cycle(modes), only, {} if steady else None

    def recover(self) -> None:
        """From now on nothing fails."""
        self.fail("well")

    @contextmanager
    def serve(self) -> Iterator[str]:
        """Listen until the block ends; gives host and port."""
        with serving(Starlette(routes=[Route("/{path:path}", self.answer, methods=["GET", "POST"])])) as url:
            yield url.removeprefix("http://")

    async def answer(self, request: Request) -> Response:
        body = await request.body()
        meant = any(word in request.url.path + body.decode() for word in self._only)
        mode = self._next_mode(body) if meant else "well"
        if mode == "well":
            return await self._forward(request, body)
        self.failures[mode] += 1
        if mode == "lost_reply":
            await self._forward(request, body)
        if mode == "hang":
            await asyncio.sleep(HANG_S)
        return _failure(mode, f"{request.url} {dict(request.headers)} {body.decode()}")

    def _next_mode(self, body: bytes) -> Mode:
        if self._steady is None:
            return next(self._modes)
        if body not in self._steady:
            self._steady[body] = next(self._modes)
        return self._steady[body]

    async def _forward(self, request: Request, body: bytes) -> Response:
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
            url = self._upstream + self._target(request.url.path)
            headers = {"Content-Type": "application/json"}
            answer = await client.request(request.method, url, content=body, headers=headers)
        return Response(answer.content, answer.status_code, media_type="application/json")


def _failure(mode: Mode, told: str) -> Response:
    header = {"X-Told": told.encode("unicode_escape").decode()[:2000].strip()}
    match mode:
        case "rpc_error":
            return JSONResponse(_rpc({"code": -32000, "message": told}), headers=header)
        case "reverted":
            return JSONResponse(_rpc({"code": 3, "message": f"execution reverted: {told}"}), headers=header)
        case "refused":
            return JSONResponse(_refusal(told), headers=header)
        case "html":
            return Response(f"<html>{told}", headers=header)
    return Response(told, status_code=502 if mode == "lost_reply" else 503, headers=header)


def _rpc(error: dict[str, object]) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": 1, "error": error}


def _refusal(reason: str) -> dict[str, object]:
    """Of a facilitator, for `verify` and `settle` alike (x402 specification v2 §7)."""
    network = {"network": "eip155:84532", "transaction": ""}
    return {"isValid": False, "invalidReason": reason, "success": False, "errorReason": reason, **network}
