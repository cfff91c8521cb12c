"""A rail's answer about itself, in time: nobody who asks waits for longer than two seconds."""

import asyncio
from collections.abc import Awaitable, Callable

PROBE_LIMIT_S = 2.0


class Health:
    """A probe that is cut off when it takes too long. It is asked by the watch alone (`watch.py`), once every few
    seconds.

    Args:
        probe: gives None, or one public sentence that says what is out.
        too_slow: the sentence for a probe that is not done within `PROBE_LIMIT_S`.
    """

    def __init__(self, probe: Callable[[], Awaitable[str | None]], *, too_slow: str) -> None:
        self._probe = probe
        self._too_slow = too_slow

    async def __call__(self) -> str | None:
        """The present answer."""
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                return await self._probe()
        except TimeoutError:
            return self._too_slow
