"""Stands before a chain or the facilitator and does to its calls what the weather says."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from tests.faults.weather import Fault, Weather

MOVES_MONEY = (b"eth_sendRawTransaction", b"eth_getTransactionReceipt", b"/settle")
"""Found in a request whose loss is the dangerous one; these are struck more often."""
_HEAVIER = 8.0
_UPSTREAM_S = 60.0


@dataclass(frozen=True, slots=True)
class _Request:
    line: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split()[1].decode()

    @property
    def method(self) -> str:
        return self.line.split()[0].decode()

    @property
    def weight(self) -> float:
        text = self.line + self.body
        return _HEAVIER if any(word in text for word in MOVES_MONEY) else 1.0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    cut: bool = False

    def encoded(self) -> bytes:
        head = f"HTTP/1.1 {self.status} Weather\r\nContent-Type: application/json\r\nContent-Length: {len(self.body)}"
        whole = head.encode() + b"\r\n\r\n" + self.body
        return whole[: len(head) + 4 + len(self.body) // 2] if self.cut else whole


class HttpProxy:
    """Forwards POST and GET with JSON bodies to `upstream`. A call goes on when its caller has hung up."""

    def __init__(self, upstream: str, weather: Weather) -> None:
        self.url = ""
        self._upstream = upstream
        self._weather = weather
        self._passed = 0
        self._lines: set[asyncio.Task[None] | None] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["HttpProxy"]:
        """Listen on a free loopback port; `url` is known inside of the block."""
        timeout = aiohttp.ClientTimeout(total=_UPSTREAM_S)
        async with aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0)) as self._session:
            server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            try:
                yield self
            finally:
                server.close()
                await hang_up(self._lines)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(asyncio.current_task())
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                answer = await self._answer(await _read(reader))
                if answer is not None:
                    writer.write(answer.encoded())
                    await writer.drain()
                if answer is None or answer.cut:
                    break
        self._lines.discard(asyncio.current_task())
        writer.transport.abort()

    async def _answer(self, request: _Request) -> _Answer | None:
        """None: the connection is to be reset."""
        fault = self._weather.strike(request.weight)
        if fault in (Fault.ERROR, Fault.RESET, Fault.HANG):
            return await self._refuse(fault, request)
        await self._hold_back(fault)
        answer = await self._forward(request)
        return answer if fault is None else await self._spoil(fault, request, answer)

    async def _refuse(self, fault: Fault, request: _Request) -> _Answer | None:
        if fault is Fault.ERROR:
            return self._error(request)
        if fault is Fault.HANG:
            await asyncio.sleep(self._weather.hang_s())
        return None

    async def _hold_back(self, fault: Fault | None) -> None:
        random = self._weather.random
        if fault is Fault.LATE:
            await asyncio.sleep(random.uniform(3.2, 12))
        elif fault is Fault.REORDER:
            await self._until_later_ones_passed()
        elif fault is Fault.SLOW:
            await asyncio.sleep(random.uniform(0.05, 1.5))

    async def _spoil(self, fault: Fault, request: _Request, answer: _Answer | None) -> _Answer | None:
        random = self._weather.random
        if fault is Fault.LOST:
            return random.choice([None, _Answer(504, b"")])
        if fault is Fault.CUT:
            return answer and _Answer(answer.status, answer.body, cut=True)
        if fault is Fault.DUPLICATE:
            return random.choice([answer, await self._forward(request)])
        if fault is Fault.SLOW:
            await asyncio.sleep(random.uniform(0.05, 1.5))
        return answer

    async def _until_later_ones_passed(self) -> None:
        passed = self._passed + self._weather.random.randint(1, 4)
        with suppress(TimeoutError):
            async with asyncio.timeout(2.5):
                while self._passed < passed:  # noqa: ASYNC110 - every call would have to tell every waiting one
                    await asyncio.sleep(0.02)

    async def _forward(self, request: _Request) -> _Answer | None:
        try:
            async with self._session.request(
                request.method,
                self._upstream + request.path.removesuffix("/"),
                data=request.body or None,
                headers={"Content-Type": "application/json"},
            ) as answer:
                return _Answer(answer.status, await answer.read())
        except (aiohttp.ClientError, TimeoutError):
            return None
        finally:
            self._passed += 1

    def _error(self, request: _Request) -> _Answer:
        """A gateway's 503, a rate limit, or a node's own error; of a facilitator always the gateway's."""
        try:
            number = json.loads(request.body)["id"]
        except (ValueError, KeyError, TypeError):
            return _Answer(503, b"upstream connect error")
        errors = (
            {"code": -32005, "message": "rate limited", "data": {"rate": 10}},
            {"code": -32603, "message": "internal error"},
        )
        said = {"jsonrpc": "2.0", "id": number, "error": self._weather.random.choice(errors)}
        return self._weather.random.choice(
            [_Answer(503, b"no healthy upstream"), _Answer(200, json.dumps(said).encode())]
        )


async def hang_up(lines: set[asyncio.Task[None] | None]) -> None:
    """End the connections that are still served."""
    open_ = [line for line in lines if line is not None]
    for line in open_:
        line.cancel()
    await asyncio.gather(*open_)


async def _read(reader: asyncio.StreamReader) -> _Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    lengths = [int(field.partition(b":")[2]) for field in fields if field.lower().startswith(b"content-length:")]
    return _Request(line, await reader.readexactly(lengths[0]) if lengths else b"")
