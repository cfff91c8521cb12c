"""Attacks by one or many clients: each runs until it is cancelled, from loopback addresses only."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from functools import partial
from urllib.parse import urlsplit

import httpx
from eth_account import Account

from sandbox.wallets import sign_x402
from tests.buying import ROUTE
from tests.fakes.serving import TRUST
from tests.siege.hostile_connections import HEAD, connected

ATTACKER = "127.0.0.66"
"""Not a trusted proxy, so it counts as one client."""

UPLOAD_BYTES_S = 1_000_000
"""Per connection: 160 Mbit/s for twenty. Without a limit loopback is faster than any client's connection."""

_PIECE = 100_000

Attack = Callable[[str], Coroutine[None, None, None]]
"""Attacks the service at a URL until it is cancelled."""


async def unfinished_uploads(url: str) -> None:
    """Twenty connections declare 25 MB, send almost all, wait, and repeat."""
    await asyncio.gather(*(_repeat(partial(_upload, url, 25_000_000)) for _ in range(20)))


async def paid_uploads(url: str) -> None:
    """The same with validly signed payments without funds, so that the bodies are read."""
    payments = [await _unfunded_payment(url) for _ in range(20)]
    await asyncio.gather(*(_repeat(partial(_upload, url, 25_000_000, each)) for each in payments))


async def silent_connections(url: str) -> None:
    """Two thousand connections from twenty addresses that say nothing, met open."""
    held: list[socket.socket] = []
    try:
        while True:
            for number in range(2000):
                with suppress(OSError):
                    held.append(connected(url, source=f"127.0.2.{number % 20 + 1}"))
                await asyncio.sleep(0.002)
            await asyncio.sleep(5)
            for each in held:
                each.close()
            held.clear()
    finally:
        for each in held:
            each.close()


async def unread_answers(url: str) -> None:
    """A hundred connections send many requests and read no response."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 300
    held = [connected(url, asked, source=ATTACKER, buffer=4096) for _ in range(100)]
    try:
        await asyncio.Event().wait()
    finally:
        for each in held:
            each.close()


async def costly_rejections(url: str) -> None:
    """Ten connections send requests that are costly to reject, at most twenty per second each."""
    many_fields = b"".join(b"A%d: 1\r\n" % number for number in range(6000))
    nested = b"X-PAYMENT: " + b"W" * 8000 + b"\r\n"
    sent = [
        f"POST {ROUTE}?{'a&' * 8000} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode(),
        HEAD.encode() + many_fields + b"\r\n",
        HEAD.encode() + nested + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 20_000,
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    await asyncio.gather(*(_repeat(partial(_ask, url, each)) for each in sent * 2))


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (unfinished_uploads, paid_uploads, silent_connections, unread_answers, costly_rejections)
}


@asynccontextmanager
async def running_attack(attack: Attack, url: str) -> AsyncIterator[None]:
    """Run an attack during the block."""
    task = asyncio.create_task(attack(url))
    await asyncio.sleep(2)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _unfunded_payment(url: str) -> str:
    """The header line of a payment by an account without funds."""
    async with httpx.AsyncClient(trust_env=False, verify=TRUST) as client:
        quote = await client.post(f"{url}{ROUTE}", headers={"X-Forwarded-For": "10.66.0.1"})
    [(name, value)] = sign_x402("0x" + bytes(Account.create().key).hex(), quote.headers["PAYMENT-REQUIRED"]).items()
    return f"{name}: {value}\r\n"


async def _repeat(action: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            await action()
        await asyncio.sleep(0.05)


async def _upload(url: str, size: int, payment: str = "") -> None:
    reader, writer = await _open(url)
    try:
        writer.write(f"{HEAD}{payment}Content-Length: {size}\r\n\r\n".encode() + b"\xff\xd8\xff")
        for _ in range(size // _PIECE - 1):
            writer.write(bytes(_PIECE))
            await writer.drain()
            await asyncio.sleep(_PIECE / UPLOAD_BYTES_S)
        await asyncio.wait_for(reader.read(), 60)
    finally:
        writer.close()


async def _ask(url: str, sent: bytes) -> None:
    reader, writer = await _open(url)
    try:
        writer.write(sent)
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    finally:
        writer.close()


async def _open(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    address = urlsplit(url)
    return await asyncio.open_connection(address.hostname, address.port, local_addr=(ATTACKER, 0))
