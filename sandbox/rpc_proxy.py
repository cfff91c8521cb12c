"""A JSON-RPC proxy before a local chain: closes one gap of anvil's Tempo mode, counts calls and injects faults.

The gap: Tempo nodes take `eth_sendRawTransactionSync(raw, timeout)`, anvil takes the transaction alone.

Faults are ordered by `POST /ctl` with a JSON object, and end after `count` calls or by `{"mode": "none"}`:

    mode     none | error5xx (503) | rpcerror (JSON-RPC error) | hang (no answer) | slow (answer after `seconds`)
             | drop_after_send (the chain gets the call, the caller gets a bare 504)
    methods  only these JSON-RPC methods; all when left out
    count    how many calls it hits; unlimited when left out
    seconds  delay of `slow`, and how long `hang` holds the line at most (60 when left out)

`GET /ctl` answers `{"calls": {method: number of calls since the start}}`.
Run by hand: python -m sandbox.rpc_proxy UPSTREAM_URL PORT [HOST]
"""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Literal

import httpx
import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.process import ManagedProcess, choose_port
from sandbox.rpc import LOOPBACK, Rpc, loopback

Mode = Literal["none", "error5xx", "rpcerror", "hang", "slow", "drop_after_send"]
START_SECONDS = 20.0


class Fault(BaseModel, extra="forbid"):
    """One order of `POST /ctl`."""

    mode: Mode = "none"
    methods: Sequence[str] | None = None
    count: int | None = None
    seconds: float = 60.0

    def hits(self, methods: list[str]) -> bool:
        """Whether a request with these methods is to be disturbed; counts it if so."""
        if self.mode == "none" or self.count == 0:
            return False
        if self.methods is not None and not set(self.methods) & set(methods):
            return False
        if self.count is not None:
            self.count -= 1
        return True


class Shim:
    """The proxy as an ASGI application's endpoints; one per upstream chain."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._client = httpx.AsyncClient(timeout=120.0, trust_env=False)
        self._fault = Fault()
        self._calls: Counter[str] = Counter()

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/ctl", self.control, methods=["GET", "POST"]),
                Route("/", self.forward, methods=["POST"]),
            ],
            # The page /try asks for gas from the browser, and comes from the service's origin.
            middleware=[Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["POST"], allow_headers=["*"])],
            lifespan=self._lifespan,
        )

    async def control(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._fault = Fault.model_validate_json(await request.body())
            except ValidationError as error:
                return Response(str(error), status_code=400)
        return JSONResponse({"calls": self._calls})

    async def forward(self, request: Request) -> Response:
        message = await request.json()
        calls: list[dict[str, Any]] = message if isinstance(message, list) else [message]
        methods = [call["method"] for call in calls]
        self._calls.update(methods)
        fault = self._fault
        mode = fault.mode if fault.hits(methods) else "none"
        if mode in ("hang", "slow"):
            await asyncio.sleep(fault.seconds)
        if mode in ("error5xx", "hang"):
            return Response(status_code=503)
        if mode == "rpcerror":
            return JSONResponse(_error(calls[0]))
        answer = await self._send(message, calls)
        return Response(status_code=504) if mode == "drop_after_send" else answer

    async def _send(self, message: Any, calls: list[dict[str, Any]]) -> Response:
        for call in calls:
            if call["method"] == "eth_sendRawTransactionSync":
                call["params"] = call["params"][:1]
        answer = await self._client.post(self._upstream, json=message)
        return Response(answer.content, answer.status_code, media_type="application/json")

    @asynccontextmanager
    async def _lifespan(self, app: Starlette) -> AsyncIterator[None]:
        async with self._client:
            yield


def _error(call: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": call.get("id"), "error": {"code": -32000, "message": "injected fault"}}


class Control:
    """Orders faults from a running shim, and reads how often each method was called."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/ctl"

    def inject(
        self, mode: Mode, *, methods: Sequence[str] | None = None, count: int | None = None, seconds: float = 60.0
    ) -> None:
        order = {"mode": mode, "methods": methods, "count": count, "seconds": seconds}
        httpx.post(self._url, json=order, trust_env=False).raise_for_status()

    def clear(self) -> None:
        self.inject("none")

    def calls(self) -> Counter[str]:
        return Counter(httpx.get(self._url, trust_env=False).raise_for_status().json()["calls"])


@contextmanager
def shim(upstream: str, chain_id: int, port: int = 0, host: str = LOOPBACK) -> Iterator[Rpc]:
    """Run a shim before the chain at `upstream` (port 0: any free one). Raises SandboxError."""
    port = choose_port(port)
    command = [sys.executable, "-m", "sandbox.rpc_proxy", upstream, str(port), host]
    with ManagedProcess(f"RPC shim on port {port}", command) as child, Rpc(loopback(port)) as rpc:
        child.wait_until(lambda: rpc.answers(chain_id), START_SECONDS)
        yield rpc


def main() -> None:
    upstream, port, *host = sys.argv[1:]
    # Held lines are cut at once when the shim is asked to end.
    listen = host[0] if host else LOOPBACK
    uvicorn.run(Shim(upstream).app(), host=listen, port=int(port), log_level="error", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
