"""Time limits that hold on a busy machine."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

_STEP_S = 0.01


class LoopTime:
    """Seconds in which the event loop had its turns. None pass while another process has the processor instead."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def run(self) -> None:
        """Count until this is cancelled."""
        while True:
            await asyncio.sleep(_STEP_S)
            self.seconds += _STEP_S


@asynccontextmanager
async def loop_time() -> AsyncIterator[LoopTime]:
    """The loop's time since the block began."""
    time = LoopTime()
    counting = asyncio.create_task(time.run())
    yield time
    counting.cancel()
    with suppress(asyncio.CancelledError):
        await counting
