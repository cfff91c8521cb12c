"""A proxy of PostgreSQL's byte stream, in which a call can be delayed, cut or lost, but not repeated."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tests.faults.fault_schedule import Fault, FaultSchedule
from tests.faults.http_proxy import hang_up

KINDS = (Fault.RESET, Fault.HANG, Fault.SLOW, Fault.LOST, Fault.CUT)
_RARER = 0.3  # one statement is several pieces of the stream
_PIECE = 65536


class TcpProxy:
    """Forwards connections to a loopback port. The schedule disturbs pieces that clients send."""

    def __init__(self, port: int, schedule: FaultSchedule) -> None:
        self.port = 0
        self._upstream = port
        self._schedule = schedule
        self._lines: set[asyncio.Task[None] | None] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["TcpProxy"]:
        """Listen on a free loopback port; `port` is known inside of the block."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await hang_up(self._lines)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(asyncio.current_task())
        with suppress(OSError, asyncio.CancelledError):
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            answers = asyncio.create_task(_pump(up_reader, writer))
            try:
                await self._pass_on(reader, up_writer, answers)
            finally:
                answers.cancel()
                up_writer.transport.abort()
        self._lines.discard(asyncio.current_task())
        writer.transport.abort()

    async def _pass_on(
        self, reader: asyncio.StreamReader, up_writer: asyncio.StreamWriter, answers: asyncio.Task[None]
    ) -> None:
        while piece := await reader.read(_PIECE):
            fault = self._schedule.next_fault(_RARER)
            if fault in (Fault.SLOW, Fault.HANG):
                await asyncio.sleep(
                    self._schedule.random.uniform(0.1, 3) if fault is Fault.SLOW else self._schedule.hang_s()
                )
            elif fault is Fault.LOST:
                answers.cancel()
                up_writer.write(piece)
                await up_writer.drain()
                await asyncio.sleep(0.2)  # for the statement to take effect
            elif fault is Fault.CUT:
                up_writer.write(piece[: len(piece) // 2])
                await up_writer.drain()
            if fault not in (None, Fault.SLOW, Fault.HANG):
                return
            up_writer.write(piece)
            await up_writer.drain()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
    writer.close()
