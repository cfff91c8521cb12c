"""A remote signer whose answers are not always what it was asked for. It signs with eth-account, which we do not."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import rlp  # type: ignore[import-untyped]  # ships no types
from coincurve.utils import GROUP_ORDER_INT
from eth_account import Account
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from sandbox.accounts import SETTLER, STRANGER
from tests.fakes.serving import serving

Parameters = Mapping[str, Any]
Answer = Callable[[Parameters], Response]
TOO_MUCH_BYTES = 1_000_000
_LAST = 2**64 - 2
"""The nonce of what a service has signed to see that the signer works."""


def signed(parameters: Parameters, *, key: str = SETTLER.key, **changes: Any) -> str:
    """The transaction of `eth_signTransaction`, signed after these changes, 0x-hex."""
    values = {name: value for name, value in ({**parameters} | changes).items() if value is not None and name != "from"}
    return str(Account.from_key(key).sign_transaction(values).raw_transaction.to_0x_hex())


def _result(sign: Callable[[Parameters], Any]) -> Answer:
    return lambda parameters: JSONResponse({"jsonrpc": "2.0", "id": 1, "result": sign(parameters)})


def _other_number(name: str) -> Answer:
    return _result(lambda given: signed(given, **{name: hex(int(given[name], 16) + 1)}))


def _high_s(given: Parameters) -> str:
    """The other signature of the same, which everybody can make; no chain accepts it (EIP-2)."""
    *fields, parity, r, s = rlp.decode(bytes.fromhex(signed(given)[4:]))
    raw = rlp.encode([*fields, 1 - int.from_bytes(parity), r, GROUP_ORDER_INT - int.from_bytes(s)])
    return f"0x02{raw.hex()}"


def _legacy(given: Parameters) -> str:
    return signed(given, maxFeePerGas=None, maxPriorityFeePerGas=None, gasPrice=given["maxFeePerGas"])


LIES: Mapping[str, Answer] = {
    "another nonce": _result(lambda given: signed(given, nonce=hex((int(given["nonce"], 16) + 1) % _LAST))),
    "another recipient": _result(lambda given: signed(given, to=STRANGER.address)),
    "other data": _result(lambda given: signed(given, data=given["data"] + "00")),
    "money": _other_number("value"),
    "another chain": _other_number("chainId"),
    "more gas": _other_number("gas"),
    "a higher fee": _other_number("maxFeePerGas"),
    "a higher tip": _result(
        lambda given: signed(given, **dict.fromkeys(("maxFeePerGas", "maxPriorityFeePerGas"), "0x7"))
    ),
    "an access list": _result(
        lambda given: signed(given, accessList=[{"address": STRANGER.address, "storageKeys": []}])
    ),
    "another key": _result(lambda given: signed(given, key=STRANGER.key)),
    "another kind": _result(_legacy),
    "the other signature": _result(_high_s),
    "more bytes": _result(lambda given: f"{signed(given)}00"),
    "half": _result(lambda given: signed(given)[:-64]),
    "a hash": _result(lambda _: f"0x{'12' * 32}"),
    "nothing": _result(lambda _: "0x"),
    "lists in lists": _result(lambda _: f"0x02{'c1' * 60_000}"),
}
"""Answers that are a signature, but not of what was asked for by whom it was asked of."""

FAILURES: Mapping[str, Answer] = {
    "garbage": lambda _: Response(b"\xff\x00garbage"),
    "a page": lambda _: Response("<html>", media_type="text/html"),
    "no result": lambda _: JSONResponse({"jsonrpc": "2.0", "id": 1}),
    "null": _result(lambda _: None),
    "a number": _result(lambda _: 7),
    "not hex": _result(lambda _: "0xnothing"),
    "a list": lambda _: JSONResponse([]),
    "nested": lambda _: Response(b"[" * 200_000),
    "HTTP 500": lambda _: Response("marked text", status_code=500),
    "a redirect": lambda _: RedirectResponse("/elsewhere", status_code=307),
    "too much": lambda given: JSONResponse({"jsonrpc": "2.0", "id": 1, "result": signed(given) + "0" * TOO_MUCH_BYTES}),
    "endless": lambda _: StreamingResponse(_endless()),
}
"""Answers that are none."""

REFUSALS: Mapping[str, Answer] = {
    "HTTP 401": lambda _: Response("marked text", status_code=401),
    "HTTP 403": lambda _: Response("marked text", status_code=403),
    "an error": lambda _: JSONResponse(
        {"jsonrpc": "2.0", "id": 1, "error": {"code": -32000, "message": "marked text"}}
    ),
    "an error with HTTP 400": lambda _: JSONResponse(
        {"error": {"code": -32602, "message": "marked text"}}, status_code=400
    ),
}

TELLS_MORE = _result(lambda given: {"raw": signed(given), "tx": {"nonce": given["nonce"]}})
"""As geth answers."""


class RemoteSigner:
    """Signs for the sandbox's settlement account, unless it is told to answer otherwise.

    Attributes:
        answer: how it answers.
        hangs: it does not answer yet.
        asked: the transactions that it was asked to sign.
        authorized: the header `Authorization` of each request.
    """

    def __init__(self) -> None:
        self.answer: Answer = _result(signed)
        self.hangs = False
        self.asked: list[Parameters] = []
        self.authorized: list[str | None] = []

    def recover(self) -> None:
        """From now on it signs."""
        self.answer, self.hangs = _result(signed), False

    @property
    def asked_to_settle(self) -> list[Parameters]:
        """Without what was signed to see whether it works."""
        return [each for each in self.asked if int(each["nonce"], 16) != _LAST]

    async def respond(self, request: Request) -> Response:
        call = await request.json()
        assert call["method"] == "eth_signTransaction"
        [parameters] = call["params"]
        self.asked.append(parameters)
        self.authorized.append(request.headers.get("Authorization"))
        while self.hangs:  # noqa: ASYNC110 - it is set from another thread
            await asyncio.sleep(0.02)
        return self.answer(parameters)


@contextmanager
def remote_signer() -> Iterator[tuple[RemoteSigner, str]]:
    """A signer and its URL; it listens until the block ends."""
    signer = RemoteSigner()
    with serving(Starlette(routes=[Route("/{path:path}", signer.respond, methods=["POST"])])) as url:
        yield signer, url
        signer.recover()


async def _endless() -> Any:
    while True:
        yield b" "
        await asyncio.sleep(0.05)
