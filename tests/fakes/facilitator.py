"""A facilitator service as others run it: the SDK's own facilitator over HTTP, which fails on demand."""

import asyncio
from typing import Literal

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from x402 import x402FacilitatorSync
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.exact import register_exact_evm_facilitator
from x402.schemas import SettleRequest, VerifyRequest

Mode = Literal["well", "hang", "error", "garbage", "vague", "lost_reply", "late_reply"]
LATE_S = 3.0
VAGUE = {
    "isValid": False,
    "invalidReason": "unexpected_verify_error",
    "success": False,
    "errorReason": "unexpected_settle_error",
    "transaction": "",
    "network": "eip155:84532",
}


class Facilitator:
    """`app()` answers /supported, /verify and /settle (x402 specification v2 §7) over the chain at `rpc_url`.

    Attributes:
        mode: how it behaves from now on. "hang" never answers; "error" answers 500, "garbage" 200 without JSON, "vague"
            a refusal that proves nothing, all three without having looked; "lost_reply" does its work and answers 502;
            "late_reply" does it and answers `LATE_S` seconds later.
    """

    def __init__(self, *, rpc_url: str, key: str, network: str) -> None:
        self.mode: Mode = "well"
        self._closing = False
        self._sdk = register_exact_evm_facilitator(
            x402FacilitatorSync(), FacilitatorWeb3Signer(key, rpc_url, confirmation_timeout_seconds=10), network
        )

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/supported", self.supported),
                Route("/verify", self.verify, methods=["POST"]),
                Route("/settle", self.settle, methods=["POST"]),
            ]
        )

    def close(self) -> None:
        """Let go of the calls that hang."""
        self._closing = True

    async def supported(self, request: Request) -> Response:
        return await self._disturbed() or _json(self._sdk.get_supported())

    async def verify(self, request: Request) -> Response:
        call = VerifyRequest.model_validate_json(await request.body())
        return await self._disturbed() or _json(
            await run_in_threadpool(self._sdk.verify, call.payment_payload, call.payment_requirements)
        )

    async def settle(self, request: Request) -> Response:
        call = SettleRequest.model_validate_json(await request.body())
        disturbed = await self._disturbed()
        if disturbed is not None:
            return disturbed
        answer = await run_in_threadpool(self._sdk.settle, call.payment_payload, call.payment_requirements)
        if self.mode == "late_reply":
            await asyncio.sleep(LATE_S)
        return Response(status_code=502) if self.mode == "lost_reply" else _json(answer)

    async def _disturbed(self) -> Response | None:
        while self.mode == "hang" and not self._closing:  # noqa: ASYNC110 - both are set from another thread
            await asyncio.sleep(0.05)
        return {
            "hang": Response(status_code=503),
            "error": Response("chain at http://10.0.0.7/KEY is out", status_code=500),
            "garbage": Response("<html>"),
            "vague": JSONResponse(VAGUE),
        }.get(self.mode)


def _json(answer: BaseModel) -> JSONResponse:
    return JSONResponse(answer.model_dump(by_alias=True, exclude_none=True))
