"""A runner that hangs in an inference exits: a thread cannot be interrupted, but a process can be replaced."""

import asyncio
import os
from collections.abc import Callable, Collection

import structlog

from runners.batcher import Batcher

log = structlog.get_logger(__name__)

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


async def run_watchdog(
    batchers: Callable[[], Collection[Batcher]],
    *,
    stalled_limit_s: float,
    interval_s: float = 1.0,
    exit_process: Callable[[int], object] = os._exit,
) -> None:
    """Exit the process when a batch has stalled for so long that all its callers have given up.

    A hung driver never returns. Until the exit the model reports a fault (`Batcher.stalled_for`) and no sale
    begins; the supervisor or the container platform starts a new process.
    """
    while True:
        await asyncio.sleep(interval_s)
        stuck_s = max((each.stalled_for() or 0.0 for each in batchers()), default=0.0)
        if stuck_s > stalled_limit_s:
            log.critical("runner_stuck", seconds=round(stuck_s))
            exit_process(EXIT_CODE)
            return
