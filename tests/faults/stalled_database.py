"""PostgreSQL whose disk stands still: its processes are stopped for longer than a lease."""

import asyncio
import signal
from collections import Counter
from contextlib import suppress
from random import Random

import psutil

_PAUSE_S = (30.0, 90.0)
_STALL_S = (10.0, 12.0)  # longer than a claim's lease


async def keep_stalling(port: int, random: Random, tally: Counter[str]) -> None:
    """Stop all processes of the server on this port now and then, until cancelled."""
    while True:
        await asyncio.sleep(random.uniform(*_PAUSE_S))
        family = _processes(port)
        try:
            _send(signal.SIGSTOP, family)
            await asyncio.sleep(random.uniform(*_STALL_S))
            tally["database: stalled for longer than a lease"] += 1
        finally:
            _send(signal.SIGCONT, family)


def _processes(port: int) -> list[psutil.Process]:
    """The server that this process started on a port, with the processes that serve its connections."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if f"-cport={port}" in process.cmdline():
                return [process, *process.children(recursive=True)]
    return []


def _send(sign: signal.Signals, processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sign)
