"""A node that gives one fixed answer."""

import json

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from payments.evm.questions import call
from sandbox.accounts import STRANGER


class FixedNode:
    """A node that gives one answer to everything but the chain id, if it knows that, and counts the questions."""

    def __init__(self, body: str, status: int = 200, *, chain_id: str | None = None) -> None:
        self.asked = 0
        self._chain_id = chain_id
        self._body = body
        self._status = status

    async def answer(self, request: Request) -> Response:
        self.asked += 1
        if self._chain_id and (await request.json())["method"] == "eth_chainId":
            return JSONResponse({"jsonrpc": "2.0", "id": 0, "result": self._chain_id})
        return Response(self._body, self._status, media_type="application/json")

    def app(self) -> Starlette:
        return Starlette(routes=[Route("/", self.answer, methods=["POST"])])


def failing(error: dict[str, object]) -> FixedNode:
    return FixedNode(json.dumps({"jsonrpc": "2.0", "id": 0, "error": error}), chain_id="0x14a34")


A_CALL = call(STRANGER.address, "0x")
UNKNOWN = "0x" + "12" * 32
