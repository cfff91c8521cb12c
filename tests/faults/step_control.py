"""The control server that a leg's hosts call before each step of a sale; planned faults stop, kill and lock."""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import psutil

from tests.faults.history import History
from tests.faults.host import Host
from tests.faults.http_proxy import STALL_S
from tests.faults.planned import Effect, PlannedFault, Plans
from tests.faults.write_lock import HoldLock


class StepControl:
    """Answers the observed ports (see `observed_ports`) on a loopback port, and carries out faults at processes.

    Attributes:
        hosts: whose processes are frozen and killed; filled when they have started.
        lock: the ledger's write lock.
    """

    def __init__(self, plans: Plans, history: History) -> None:
        self.port = 0
        self.hosts: Sequence[Host] = ()
        self.lock: HoldLock | None = None
        self._plans = plans
        self._history = history
        self._holding: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["StepControl"]:
        """Listen while the block runs; `port` is known inside of it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._holding:
                task.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, ValueError, asyncio.CancelledError):
            asked = json.loads(await reader.readline())
            planned = self._plans.at_port(asked["payment"], asked["pid"], asked["step"])
            told = {} if planned is None else await self._order(planned)
            writer.write(json.dumps(told).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _order(self, planned: PlannedFault) -> dict[str, object]:
        self._note(planned, "struck")
        match planned.effect:
            case Effect.ERROR:
                return {"do": "error"}
            case Effect.LOST:
                return {"do": "lost"}
            case Effect.HANG:
                return {"seconds": STALL_S}
            case Effect.LOCK:
                await self._lock()
            case _:
                await self.act(planned)
        return {}

    async def act(self, planned: PlannedFault) -> None:
        """Freeze or kill what the fault is about; `thaw` lets the frozen go on."""
        if planned.pid is None:
            return
        host = self._host_of(planned.pid)
        match planned.effect:
            case Effect.KILL:
                os.kill(planned.pid, signal.SIGKILL)
            case Effect.KILL_RUNNER:
                host.kill("runner", 0)
            case Effect.FREEZE | Effect.FREEZE_LATE | Effect.FREEZE_REFUSED:
                planned.frozen = [psutil.Process(planned.pid)]
            case Effect.FREEZE_RUNNER:
                planned.frozen = host.members("runner")
            case Effect.FREEZE_HOST:
                planned.frozen = host.choose("service", 0)
            case _:
                return
        host.freeze(planned.frozen)

    def thaw(self, planned: PlannedFault) -> None:
        """Resume the processes that this fault has stopped."""
        for host in self.hosts:
            host.thaw(planned.frozen)
        self._note(planned, "goes on")
        planned.frozen = []

    def _host_of(self, pid: int) -> Host:
        return next(host for host in self.hosts if pid in {each.pid for each in host.choose("service", 0)})

    async def _lock(self) -> None:
        taken = asyncio.Event()
        task = asyncio.create_task(self._hold(taken))
        self._holding.add(task)
        task.add_done_callback(self._holding.discard)
        await taken.wait()

    async def _hold(self, taken: asyncio.Event) -> None:
        assert self.lock is not None
        try:
            async with self.lock():
                taken.set()
                await asyncio.sleep(STALL_S)
        finally:
            taken.set()

    def _note(self, planned: PlannedFault, what: str) -> None:
        text = f"payment {planned.payment.number}: {planned.step}, {planned.effect} {what} (pid {planned.pid})"
        self._history.events.append((time.time(), text))
