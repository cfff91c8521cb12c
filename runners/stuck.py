"""A runner that is stuck in an inference ends itself: no thread can be interrupted, but a process can be replaced."""

import asyncio
import os
from collections.abc import Callable, Collection

import structlog

from runners.batcher import Batcher

log = structlog.get_logger(__name__)

EXIT_CODE = 70
"""EX_SOFTWARE of sysexits.h."""


async def end_when_stuck(
    batchers: Callable[[], Collection[Batcher]],
    *,
    patience_s: float,
    every_s: float = 1.0,
    end: Callable[[int], object] = os._exit,
) -> None:
    """Watch until one of them is stuck in a batch for so long that all its callers have given up; then end the process.

    A hung driver never gives a batch back. Meanwhile the model is out (`Batcher.stalled_for`), so that nobody buys;
    the supervisor, or whoever runs the container, starts another process.
    """
    while True:
        await asyncio.sleep(every_s)
        stuck_s = max((each.stalled_for() or 0.0 for each in batchers()), default=0.0)
        if stuck_s > patience_s:
            log.critical("runner_stuck", seconds=round(stuck_s))
            end(EXIT_CODE)
            return
