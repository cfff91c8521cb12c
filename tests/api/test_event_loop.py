"""Connections wait in the kernel, where they cost no descriptor, until there is time to count them."""

import asyncio
import socket
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from api.http.event_loop import ACCEPTED_AT_ONCE, CautiousEventLoop

WAITING = 100


class Refusing(asyncio.Protocol):
    """Notes how many descriptors the process has, and ends the connection."""

    def __init__(self, seen: list[int], all_seen: asyncio.Event) -> None:
        self._seen, self._all_seen = seen, all_seen

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Too many."""
        assert isinstance(transport, asyncio.Transport)
        self._seen.append(descriptors())
        transport.abort()
        if len(self._seen) == WAITING:
            self._all_seen.set()


def descriptors() -> int:
    """Of this process, open."""
    return len(list(Path("/proc/self/fd").iterdir()))


async def refuse_all_that_wait() -> int:
    """Descriptors that a server takes at most for connections that it refuses, after a moment in which it was busy."""
    seen: list[int] = []
    all_seen = asyncio.Event()
    make = partial(Refusing, seen, all_seen)
    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0, backlog=WAITING)
    with ExitStack() as clients:
        for _ in range(WAITING):  # nothing is accepted meanwhile
            clients.enter_context(socket.create_connection(server.sockets[0].getsockname(), timeout=5))
        before = descriptors()
        await asyncio.wait_for(all_seen.wait(), 10)
    server.close()
    return max(seen) - before


def test_few_connections_are_accepted_before_they_are_counted() -> None:
    with asyncio.Runner(loop_factory=CautiousEventLoop) as runner:
        assert runner.run(refuse_all_that_wait()) <= 3 * ACCEPTED_AT_ONCE
