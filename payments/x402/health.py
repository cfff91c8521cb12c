"""One probe for many who ask: the last answer counts for a few seconds, and no answer takes longer than two."""

import asyncio
import time
from collections.abc import Awaitable, Callable

PROBE_LIMIT_S = 2.0
FRESH_S = 3.0


class Health:
    """Runs a probe at most once at a time and once in `fresh_s` seconds.

    Args:
        probe: gives None, or one public sentence that says what is out.
        too_slow: the sentence for a probe that is not done within `PROBE_LIMIT_S`.
    """

    def __init__(self, probe: Callable[[], Awaitable[str | None]], *, too_slow: str, fresh_s: float = FRESH_S) -> None:
        self._probe = probe
        self._too_slow = too_slow
        self._fresh_s = fresh_s
        self._lock = asyncio.Lock()
        self._fresh_until = 0.0
        self._answer: str | None = None

    async def __call__(self) -> str | None:
        """The present answer."""
        async with self._lock:
            if time.monotonic() >= self._fresh_until:
                self._answer = await self._bounded()
                self._fresh_until = time.monotonic() + self._fresh_s
            return self._answer

    async def _bounded(self) -> str | None:
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                return await self._probe()
        except TimeoutError:
            return self._too_slow
