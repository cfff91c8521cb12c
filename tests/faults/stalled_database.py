"""PostgreSQL with a stalled disk: its processes are stopped for longer than a lease."""

import asyncio
import os
import signal
from collections import Counter
from random import Random

import psutil

from tests.processes import family, matching, send

_PAUSE_S = (30.0, 90.0)
_STALL_S = (10.0, 12.0)  # longer than a claim's lease


async def keep_stalling(port: int, random: Random, tally: Counter[str]) -> None:
    """Stop all processes of the server on this port now and then, until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*_PAUSE_S))
        server = _processes(port)
        try:
            send(signal.SIGSTOP, server)
            await asyncio.sleep(random.uniform(*_STALL_S))
            tally["database: stalled for longer than a lease"] += 1
        finally:
            send(signal.SIGCONT, server)


def _processes(port: int) -> list[psutil.Process]:
    """The server that this process started on a port, with the processes that serve its connections."""
    found = matching(os.getpid(), f"-cport={port}")
    return family(found[0].pid) if found else []
