"""A proxy of a chain or the facilitator that injects planned and scheduled faults."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import aiohttp

from tests.faults.facilitator_lies import Lie, lies_for, tell
from tests.faults.fault_schedule import Fault, FaultSchedule
from tests.faults.planned import Effect, PlannedFault, Plans

MOVES_MONEY = (b"eth_sendRawTransaction", b"eth_getTransactionReceipt", b"/settle")
"""Substrings of critical requests, whose faults are more frequent."""
_HEAVIER = 8.0
_UPSTREAM_S = 60.0
OUTAGE_S = 20.0
"""Duration of a planned doubt: longer than a settlement and its later check wait."""
STALL_S = 12.0
"""Duration of a planned hang: longer than a claim's lease."""

Act = Callable[[PlannedFault], Awaitable[None]]
"""Carries out what a planned fault does to processes."""


@dataclass(frozen=True, slots=True)
class Request:
    """One received request."""

    line: bytes
    body: bytes

    @property
    def path(self) -> str:
        return self.line.split()[1].decode()

    @property
    def method(self) -> str:
        return self.line.split()[0].decode()

    @property
    def text(self) -> bytes:
        return self.line + self.body

    @property
    def weight(self) -> float:
        return _HEAVIER if any(word in self.text for word in MOVES_MONEY) else 1.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `cut`: the connection is reset in the middle of it."""

    status: int
    body: bytes
    cut: bool = False

    def encoded(self) -> bytes:
        kind = "text/html" if self.body.startswith(b"<") else "application/json"
        head = f"HTTP/1.1 {self.status} Proxied\r\nContent-Type: {kind}\r\nContent-Length: {len(self.body)}"
        whole = head.encode() + b"\r\n\r\n" + self.body
        return whole[: len(head) + 4 + len(self.body) // 2] if self.cut else whole


async def nothing(planned: PlannedFault) -> None:
    """Carries out nothing: for a campaign without planned faults that stop processes."""


class HttpProxy:
    """Forwards POST and GET with JSON bodies to `upstream`. A call goes on when its caller has hung up.

    Args:
        part: what planned outages call it.
    """

    def __init__(self, upstream: str, part: str, schedule: FaultSchedule, plans: Plans, act: Act = nothing) -> None:
        self.url = ""
        self._upstream = upstream
        self._part = part
        self._schedule = schedule
        self._plans = plans
        self._act = act
        self._passed = 0
        self._lines: set[asyncio.Task[None] | None] = set()
        self._later: set[asyncio.Task[None]] = set()

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

    async def _answer(self, request: Request) -> Answer | None:
        """Returns None if the connection must be reset."""
        if self._plans.is_out(self._part):
            return None
        planned = self._plans.on_the_wire(request.text)
        if planned is not None:
            return await self._carry_out(planned, request)
        fault = self._schedule.next_fault(request.weight)
        if fault in (Fault.ERROR, Fault.RESET, Fault.HANG):
            return await self._refuse(fault, request)
        if fault is Fault.LIE and (lies := lies_for(request.path)):
            return await self._lie(self._schedule.random.choice(lies), request)
        await self._hold_back(fault)
        answer = await self._forward(request)
        return answer if fault in (None, Fault.LIE) else await self._spoil(fault, request, answer)

    async def _carry_out(self, planned: PlannedFault, request: Request) -> Answer | None:
        match planned.effect:
            case Effect.ERROR:
                return self._error(request)
            case Effect.HANG:
                await asyncio.sleep(STALL_S)
                return await self._forward(request)
            case Effect.LOST:
                await self._forward(request)
                return None
            case Effect.DOUBT_MOVED | Effect.DOUBT_UNMOVED:
                if planned.effect is Effect.DOUBT_MOVED:
                    await self._forward(request)
                parts = ("tempo",) if planned.payment.order.way == "mpp" else ("base", "facilitator")
                self._plans.begin_outage(parts, OUTAGE_S)
                return None
            case Effect.LIE:
                assert planned.lie is not None
                return await self._lie(planned.lie, request)
            case _:
                answer = await self._forward(request)
                await self._act(planned)
                return answer

    async def _lie(self, lie: Lie, request: Request) -> Answer:
        self._schedule.count(f"lie: {lie}")
        told = tell(lie, self._schedule.random)
        if told.forward and told.forward_after_s:
            task = asyncio.create_task(self._forward_later(request, told.forward_after_s))
            self._later.add(task)
            task.add_done_callback(self._later.discard)
        elif told.forward:
            await self._forward(request)
        return Answer(told.status, told.body)

    async def _forward_later(self, request: Request, seconds: float) -> None:
        await asyncio.sleep(seconds)
        with suppress(RuntimeError):  # the campaign has ended and its session is closed
            await self._forward(request)

    async def _refuse(self, fault: Fault, request: Request) -> Answer | None:
        if fault is Fault.ERROR:
            return self._error(request)
        if fault is Fault.HANG:
            await asyncio.sleep(self._schedule.hang_s())
        return None

    async def _hold_back(self, fault: Fault | None) -> None:
        random = self._schedule.random
        if fault is Fault.LATE:
            await asyncio.sleep(random.uniform(3.2, 12))
        elif fault is Fault.REORDER:
            await self._until_later_ones_passed()
        elif fault is Fault.SLOW:
            await asyncio.sleep(random.uniform(0.05, 1.5))

    async def _spoil(self, fault: Fault | None, request: Request, answer: Answer | None) -> Answer | None:
        random = self._schedule.random
        if fault is Fault.LOST:
            return random.choice([None, Answer(504, b"")])
        if fault is Fault.CUT:
            return answer and Answer(answer.status, answer.body, cut=True)
        if fault is Fault.DUPLICATE:
            return random.choice([answer, await self._forward(request)])
        if fault is Fault.SLOW:
            await asyncio.sleep(random.uniform(0.05, 1.5))
        return answer

    async def _until_later_ones_passed(self) -> None:
        passed = self._passed + self._schedule.random.randint(1, 4)
        with suppress(TimeoutError):
            async with asyncio.timeout(2.5):
                while self._passed < passed:  # noqa: ASYNC110 - every call would have to tell every waiting one
                    await asyncio.sleep(0.02)

    async def _forward(self, request: Request) -> Answer | None:
        try:
            async with self._session.request(
                request.method,
                self._upstream + request.path.removesuffix("/"),
                data=request.body or None,
                headers={"Content-Type": "application/json"},
            ) as answer:
                body = await answer.read()
        except (aiohttp.ClientError, TimeoutError):
            return None
        finally:
            self._passed += 1
        self._plans.learn(request.text, body)
        return Answer(answer.status, body)

    def _error(self, request: Request) -> Answer:
        """A gateway's 503, a rate limit, or a node's own error; of a facilitator always the gateway's."""
        try:
            number = json.loads(request.body)["id"]
        except (ValueError, KeyError, TypeError):
            return Answer(503, b"upstream connect error")
        errors = (
            {"code": -32005, "message": "rate limited", "data": {"rate": 10}},
            {"code": -32603, "message": "internal error"},
        )
        said = {"jsonrpc": "2.0", "id": number, "error": self._schedule.random.choice(errors)}
        return self._schedule.random.choice(
            [Answer(503, b"no healthy upstream"), Answer(200, json.dumps(said).encode())]
        )


async def hang_up(lines: set[asyncio.Task[None] | None]) -> None:
    """End the connections that are still served."""
    open_ = [line for line in lines if line is not None]
    for line in open_:
        line.cancel()
    await asyncio.gather(*open_)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = await reader.readuntil(b"\r\n\r\n")
    line, *fields = head.split(b"\r\n")
    lengths = [int(field.partition(b":")[2]) for field in fields if field.lower().startswith(b"content-length:")]
    return Request(line, await reader.readexactly(lengths[0]) if lengths else b"")
