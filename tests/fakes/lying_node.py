"""An RPC node before a local chain that answers some questions as it likes, or as the chain was some blocks ago."""

from collections.abc import Callable
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.serving import TRUST

Answers = dict[str, Callable[[Any, list[Any]], Any]]
"""Method → what becomes of the chain's true result, given the call's parameters."""

_LATEST = {"eth_call": 1, "eth_getTransactionCount": 1, "eth_getBlockByNumber": 0}
"""Method → which parameter names the block."""


class LyingNode:
    """`app()` is the node.

    Attributes:
        lies: what it says from now on in place of the truth.
        behind: how many blocks it is late.
    """

    def __init__(self, upstream: str) -> None:
        self.lies: Answers = {}
        self.behind = 0
        self._upstream = upstream

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.forward, methods=["POST"])])

    async def forward(self, request: Request) -> Response:
        call = await request.json()
        async with httpx.AsyncClient(trust_env=False, verify=TRUST) as chain:
            head = await self._head(chain)
            answer = (await chain.post(self._upstream, json=self._as_of(head, call))).json()
        if "result" in answer:
            answer["result"] = self._seen_at(head, call["method"], answer["result"])
            lie = self.lies.get(call["method"])
            answer["result"] = lie(answer["result"], call["params"]) if lie else answer["result"]
        return JSONResponse(answer)

    async def _head(self, chain: httpx.AsyncClient) -> int:
        question = {"jsonrpc": "2.0", "id": 1, "method": "eth_blockNumber", "params": []}
        latest = int((await chain.post(self._upstream, json=question)).json()["result"], 16)
        return latest - self.behind

    def _as_of(self, head: int, call: dict[str, Any]) -> dict[str, Any]:
        """The call as of our latest block."""
        place = _LATEST.get(call["method"])
        if self.behind and place is not None and call["params"][place] == "latest":
            call["params"][place] = hex(head)
        return call

    def _seen_at(self, head: int, method: str, result: Any) -> Any:
        if method == "eth_blockNumber":
            return hex(head)
        if method == "eth_getTransactionReceipt" and result and int(result["blockNumber"], 16) > head:
            return None
        if method == "eth_getLogs":
            return [log for log in result if int(log["blockNumber"], 16) <= head]
        return result
