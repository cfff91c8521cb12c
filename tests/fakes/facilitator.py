"""A facilitator service as others run it: the SDK's own facilitator over HTTP, which fails and lies on demand."""

import asyncio
import gzip
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable
from functools import cache
from typing import Literal, get_args

from pydantic import BaseModel
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from x402 import x402FacilitatorSync
from x402.mechanisms.evm import FacilitatorWeb3Signer
from x402.mechanisms.evm.exact import register_exact_evm_facilitator
from x402.schemas import SettleRequest, SettleResponse, VerifyRequest

Failure = Literal[
    "hang", "error", "garbage", "vague", "bad_request", "html_400", "types", "huge", "bomb", "slow_body", "redirect"
]
Lie = Literal["invented", "other_network", "stolen", "denies", "denies_late", "used", "says_yes"]
Mode = Literal["well", "lost_reply", "late_reply"] | Failure | Lie
BAD_ANSWERS: tuple[Mode, ...] = ("error", "garbage", "vague", "types", "huge", "bomb", "slow_body", "redirect")
"""None of them judges a payment."""
LATE_S = 3.0
VAGUE = {
    "isValid": False,
    "invalidReason": "unexpected_verify_error",
    "success": False,
    "errorReason": "unexpected_settle_error",
    "transaction": "",
    "network": "eip155:84532",
}
WRONG_TYPES = {"isValid": "true", "success": "true", "transaction": "0x" + "11" * 32, "network": "eip155:84532"}
LIES: tuple[Lie, ...] = get_args(Lie)
"""What a facilitator may say that is not so; each answers 200 in the form of the specification."""


class Facilitator:
    """`app()` answers /supported, /verify and /settle (x402 specification v2 §7) over the chain at `rpc_url`.

    Attributes:
        mode: how it behaves from now on.

            failures, which look at nothing and move nothing: "hang" never answers; "error" answers 500, "garbage" 200
            without JSON, "vague" a refusal that proves nothing, "bad_request" 400 with JSON, "html_400" 400 with a
            page, "types" the right names with values of wrong types, "huge" an endless body, "bomb" a compressed one
            that unfolds to 10 MB, "slow_body" one byte a second, "redirect" 307 to `elsewhere`

            losses: "lost_reply" does its work and answers 502; "late_reply" does it and answers `LATE_S` later

            lies about settlements: "invented" a hash that is nowhere; "other_network" success on another chain;
            "stolen" the hash of the last settlement; "denies" success false, and nothing moves; "denies_late" the
            same at once, and `LATE_S` later it settles; "used" that the authorization was used before, and then it
            settles. "says_yes" calls every payment valid and settles as well as it can.
        only: the endpoint that the mode is for ("verify", "settle", "supported"); every one when it is None.
        reason: what "denies", "denies_late" and "bad_request" give as the reason.
        elsewhere: where "redirect" leads.
        calls: how often each endpoint was called.
    """

    def __init__(self, *, rpc_url: str, key: str, network: str) -> None:
        self.mode: Mode = "well"
        self.only: str | None = None
        self.reason = "insufficient_funds"
        self.elsewhere = ""
        self.calls: Counter[str] = Counter()
        self._last = "0x" + "00" * 32
        self._network = network
        self._later: set[asyncio.Task[SettleResponse]] = set()
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

    def reset(self) -> None:
        """Well-behaved from now on."""
        self.mode, self.only, self.reason, self.elsewhere = "well", None, "insufficient_funds", ""

    def close(self) -> None:
        """Let go of the calls that hang."""
        self._closing = True

    async def supported(self, request: Request) -> Response:
        return await self._disturbed("supported", request) or _json(self._sdk.get_supported())

    async def verify(self, request: Request) -> Response:
        call = VerifyRequest.model_validate_json(await request.body())
        disturbed = await self._disturbed("verify", request)
        if disturbed is not None:
            return disturbed
        if self._is("says_yes", "verify"):
            return JSONResponse({"isValid": True})
        return _json(await run_in_threadpool(self._sdk.verify, call.payment_payload, call.payment_requirements))

    async def settle(self, request: Request) -> Response:
        call = SettleRequest.model_validate_json(await request.body())
        answer = await self._disturbed("settle", request) or self._lie(call)
        if answer is not None:
            return answer
        settled = await self._settle(call)
        if self._is("late_reply", "settle"):
            await asyncio.sleep(LATE_S)
        if self._is("used", "settle"):
            return self._denial("invalid_exact_evm_nonce_already_used")
        return Response(status_code=502) if self._is("lost_reply", "settle") else _json(settled)

    async def _settle(self, call: SettleRequest, *, after_s: float = 0.0) -> SettleResponse:
        await asyncio.sleep(after_s)
        settled = await run_in_threadpool(self._sdk.settle, call.payment_payload, call.payment_requirements)
        if settled.success:
            self._last = settled.transaction
        return settled

    def _is(self, mode: Mode, endpoint: str) -> bool:
        return self.mode == mode and self.only in (None, endpoint)

    def _lie(self, call: SettleRequest) -> Response | None:
        mode = self.mode if self.only in (None, "settle") else "well"
        if mode == "denies_late":
            task = asyncio.create_task(self._settle(call, after_s=LATE_S))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        invented = "0x" + secrets.token_hex(32)
        return {
            "invented": self._success(invented, self._network),
            "other_network": self._success(invented, "eip155:8453"),
            "stolen": self._success(self._last, self._network),
            "denies": self._denial(self.reason),
            "denies_late": self._denial(self.reason),
        }.get(mode)

    def _success(self, transaction: str, network: str) -> Response:
        return JSONResponse({"success": True, "transaction": transaction, "network": network})

    def _denial(self, reason: str) -> Response:
        return JSONResponse({"success": False, "errorReason": reason, "transaction": "", "network": self._network})

    async def _disturbed(self, endpoint: str, request: Request) -> Response | None:
        self.calls[endpoint] += 1
        if self.only not in (None, endpoint):
            return None
        while self.mode == "hang" and not self._closing:  # noqa: ASYNC110 - both are set from another thread
            await asyncio.sleep(0.05)
        refused = {**VAGUE, "invalidReason": self.reason, "errorReason": self.reason}
        answers: dict[str, Callable[[], Response]] = {
            "hang": lambda: Response(status_code=503),
            "error": lambda: Response("chain at http://10.0.0.7/KEY is out", status_code=500),
            "garbage": lambda: Response("<html>"),
            "vague": lambda: JSONResponse(VAGUE),
            "bad_request": lambda: JSONResponse(refused, status_code=400),
            "html_400": lambda: Response("<html>", status_code=400),
            "types": lambda: JSONResponse(WRONG_TYPES),
            "huge": lambda: StreamingResponse(self._endless(b"[" * 65_536, 0.0), media_type="application/json"),
            "bomb": lambda: Response(_bomb(), headers={"Content-Encoding": "gzip"}),
            "slow_body": lambda: StreamingResponse(self._endless(b"{", 1.0), media_type="application/json"),
            "redirect": lambda: RedirectResponse(f"{self.elsewhere}{request.url.path}", status_code=307),
        }
        return answers[self.mode]() if self.mode in answers else None

    async def _endless(self, chunk: bytes, every_s: float) -> AsyncIterator[bytes]:
        while not self._closing:
            yield chunk
            await asyncio.sleep(every_s)


@cache
def _bomb() -> bytes:
    """10 kB that unfold to 10 MB."""
    return gzip.compress(b" " * 10_000_000)


def _json(answer: BaseModel) -> JSONResponse:
    return JSONResponse(answer.model_dump(by_alias=True, exclude_none=True))
