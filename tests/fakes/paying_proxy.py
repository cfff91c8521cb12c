"""Pays for tools that cannot: every fifth request is made one that can be sold, and paid for."""

import base64
import json
from collections.abc import Iterable
from itertools import count

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.wallets import sign_mpp, sign_x402
from tests.fakes.serving import TRUST

_NOT_FORWARDED = {"content-length", "connection", "transfer-encoding", "x-forwarded-for"}
_PAYMENTS = {"x-payment", "payment-signature", "authorization"}
_EVERY = 5
_NOT_RETURNED = {"content-length", "connection", "transfer-encoding", "date", "server"}


class PayingProxy:
    """An ASGI application before the service at `upstream`.

    The tool is a client of another address in each request, so no limit of an address is met.

    Args:
        key: of the account that pays, on both rails in turn.
        tempo_rpc_url: the node that MPP asks.

    Attributes:
        answers: what came back for POST, as (path, status, names of its header fields in lower case).
    """

    def __init__(self, upstream: str, picture: bytes, *, key: str, tempo_rpc_url: str) -> None:
        self._upstream = upstream
        self._picture = picture
        self._key = key
        self._tempo_rpc_url = tempo_rpc_url
        self._requests, self._purchases = count(), count()
        self.answers: list[tuple[str, int, frozenset[str]]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        number = next(self._requests)
        address = f"198.18.{number // 256 % 256}.{number % 256}"
        headers = [pair for pair in request.headers.items() if pair[0] not in _NOT_FORWARDED]
        headers.append(("x-forwarded-for", address))
        body = await request.body()
        async with httpx.AsyncClient(timeout=60, trust_env=False, verify=TRUST) as client:
            if request.method == "POST" and number % _EVERY == 0:
                answer = await self._buy(client, request, headers, body)
            else:
                answer = await self._send(client, request, headers, body)
        await _returned(answer)(scope, receive, send)

    async def _buy(
        self, client: httpx.AsyncClient, request: Request, headers: list[tuple[str, str]], body: bytes
    ) -> httpx.Response:
        """With a real picture, and without a payment of the tool's own, which is rubbish."""
        kind, sent = self._with_picture(request.headers.get("content-type", ""), body)
        if kind == "application/json":
            request.scope["query_string"] = b""  # options that stand in both places are refused
        number = next(self._purchases)
        # The tool sends one example of a purchase's name with every request, and a name belongs to one order.
        named = {"idempotency-key"} if number // 2 % 2 else set()
        own = [pair for pair in headers if pair[0] not in _PAYMENTS | {"content-type"} | named]
        own.append(("content-type", kind))
        quote = await self._send(client, request, own, sent)
        if quote.status_code != 402:
            return quote
        if number % 2:
            payment = await sign_mpp(self._key, quote.headers["WWW-Authenticate"], self._tempo_rpc_url)
        else:
            payment = sign_x402(self._key, quote.headers["PAYMENT-REQUIRED"])
        return await self._send(client, request, [*own, *payment.items()], sent)

    async def _send(
        self, client: httpx.AsyncClient, request: Request, headers: Iterable[tuple[str, str]], body: bytes
    ) -> httpx.Response:
        query: bytes = request.scope["query_string"]
        path = request.scope["raw_path"] + (b"?" + query if query else b"")
        raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        answer = await client.request(
            request.method, httpx.URL(self._upstream).copy_with(raw_path=path), headers=raw, content=body
        )
        if request.method == "POST":
            names = frozenset(name.lower() for name in answer.headers)
            self.answers.append((request.url.path, answer.status_code, names))
        return answer

    def _with_picture(self, media_type: str, body: bytes) -> tuple[str, bytes]:
        """Media type and body of a request that is sent in this form."""
        if media_type != "application/json":
            return "image/jpeg", self._picture
        try:
            members = json.loads(body)
        except ValueError:
            members = {}
        options = (
            {name: value for name, value in members.items() if name != "image_url"} if isinstance(members, dict) else {}
        )
        return media_type, json.dumps(options | {"image_file_b64": base64.b64encode(self._picture).decode()}).encode()


def _returned(answer: httpx.Response) -> Response:
    response = Response(answer.content, answer.status_code)
    response.raw_headers.extend(
        (name.lower(), value) for name, value in answer.headers.raw if name.decode().lower() not in _NOT_RETURNED
    )
    return response
