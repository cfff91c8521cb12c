"""What one client, or many, may try: each attack runs until it is told to stop, from loopback addresses only."""

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
from tests.siege.hostile import HEAD, connected

ATTACKER = "127.0.0.66"
"""No trusted proxy, so it is one client."""

UPLOAD_BYTES_S = 1_000_000
"""Of each connection: 160 Mbit/s for twenty. Without a bound loopback would carry what no client's line does."""

_PIECE = 100_000

Attack = Callable[[str], Coroutine[None, None, None]]
"""Attacks the service at a URL until it is cancelled."""


async def unfinished_uploads(url: str) -> None:
    """Twenty connections declare 25 MB, send all but a little, and wait; again and again."""
    await asyncio.gather(*(_again(partial(_upload, url, 25_000_000)) for _ in range(20)))


async def paid_uploads(url: str) -> None:
    """The same with payments that are well signed and not covered, so that the bodies are taken."""
    payments = [await _worthless(url) for _ in range(20)]
    await asyncio.gather(*(_again(partial(_upload, url, 25_000_000, each)) for each in payments))


async def silent_connections(url: str) -> None:
    """Two thousand connections from twenty addresses that say nothing, kept open."""
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
    """A hundred connections ask for many answers and read none."""
    asked = b"GET /openapi.json HTTP/1.1\r\nHost: a\r\n\r\n" * 300
    held = [connected(url, asked, source=ATTACKER, buffer=4096) for _ in range(100)]
    try:
        await asyncio.Event().wait()
    finally:
        for each in held:
            each.close()


async def junk(url: str) -> None:
    """Ten connections send what is costly to refuse, twenty times a second each at most."""
    many_fields = b"".join(b"A%d: 1\r\n" % number for number in range(6000))
    nested = b"X-PAYMENT: " + b"W" * 8000 + b"\r\n"
    sent = [
        f"POST {ROUTE}?{'a&' * 8000} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode(),
        HEAD.encode() + many_fields + b"\r\n",
        HEAD.encode() + nested + b"Content-Length: 0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 20_000,
        b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n",
    ]
    await asyncio.gather(*(_again(partial(_ask, url, each)) for each in sent * 2))


ATTACKS: dict[str, Attack] = {
    each.__name__: each for each in (unfinished_uploads, paid_uploads, silent_connections, unread_answers, junk)
}


@asynccontextmanager
async def under(attack: Attack, url: str) -> AsyncIterator[None]:
    """The block runs while the attack does."""
    task = asyncio.create_task(attack(url))
    await asyncio.sleep(2)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _worthless(url: str) -> str:
    """The header line of a payment by somebody who has nothing."""
    async with httpx.AsyncClient(trust_env=False) as client:
        quote = await client.post(f"{url}{ROUTE}", headers={"X-Forwarded-For": "10.66.0.1"})
    [(name, value)] = sign_x402("0x" + bytes(Account.create().key).hex(), quote.headers["PAYMENT-REQUIRED"]).items()
    return f"{name}: {value}\r\n"


async def _again(action: Callable[[], Awaitable[None]]) -> None:
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
