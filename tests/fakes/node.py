"""A Tempo node that is late, that lies about receipts, or that cannot do what others can: a proxy before a real one."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from tests.fakes.serving import TRUST, serving


class Node:
    """Forwards every call to the node at `upstream`, and changes the answers it is told to change.

    Attributes:
        late_s, late_blocks: how far its latest block is behind; it shows no receipt of a later one.
        receipts: transaction hash → the receipt it shows instead of the true one; None is "in no block".
        returns: call data of an `eth_call` → what it returns instead.
        errors: method, or "simulation" for an `eth_call` of a whole Tempo transaction and "simulation at a time" where
            it is given a time → code and message of the JSON-RPC error that it answers.
        asked: method → how often it was called.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self.late_s = self.late_blocks = 0
        self.receipts: dict[str | None, Mapping[str, Any] | None] = {}
        self.returns: dict[str, str] = {}
        self.errors: dict[str, tuple[int, str]] = {}
        self.asked: Counter[str] = Counter()

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])

    async def answer(self, request: Request) -> JSONResponse:
        call = await request.json()
        self.asked[call["method"]] += 1
        error = self.errors.get(_kind(call))
        if error is not None:
            return _answer(call, error={"code": error[0], "message": error[1]})
        method, params = call["method"], call["params"]
        if method == "eth_getTransactionReceipt":
            return _answer(call, result=await self._receipt(*params))
        if method == "eth_getBlockByNumber" and params[0] == "latest":
            return _answer(call, result=await self._latest())
        if method == "eth_call" and params[0].get("data") in self.returns:
            return _answer(call, result=self.returns[params[0]["data"]])
        return JSONResponse(await self._forward(call))

    async def true_receipt(self, transaction: str | None) -> Any:
        """What the node behind shows."""
        return await self._ask("eth_getTransactionReceipt", transaction)

    async def _receipt(self, transaction: str) -> Any:
        if transaction in self.receipts:
            return self.receipts[transaction]
        receipt = await self.true_receipt(transaction)
        if receipt is not None and int(receipt["blockNumber"], 16) > int((await self._latest())["number"], 16):
            return None
        return receipt

    async def _latest(self) -> Any:
        block = await self._ask("eth_getBlockByNumber", "latest", False)
        number, timestamp = (int(block[name], 16) for name in ("number", "timestamp"))
        return {**block, "number": hex(number - self.late_blocks), "timestamp": hex(timestamp - self.late_s)}

    async def _ask(self, method: str, *params: Any) -> Any:
        return (await self._forward({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))["result"]

    async def _forward(self, call: Mapping[str, Any]) -> Any:
        async with httpx.AsyncClient(timeout=30, trust_env=False, verify=TRUST) as client:
            return (await client.post(self._upstream, json=dict(call))).json()


@contextmanager
def node(upstream: str) -> Iterator[tuple[Node, str]]:
    """A node before the one at `upstream`, and its URL; it listens until the block ends."""
    scripted = Node(upstream)
    with serving(scripted.app()) as url:
        yield scripted, url


def _kind(call: Mapping[str, Any]) -> str:
    method, params = call["method"], call["params"]
    if method == "eth_call" and "nonceKey" in params[0]:
        return "simulation at a time" if len(params) > 2 else "simulation"
    return str(method)


def _answer(call: Mapping[str, Any], **answer: Any) -> JSONResponse:
    return JSONResponse({"jsonrpc": "2.0", "id": call["id"], **answer})
