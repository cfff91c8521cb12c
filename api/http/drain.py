"""Stopping: what is under way may end, within a bounded time.

At once: the server takes no more connections, and closes those that are owed no answer or have not sent a whole body.
After `CUT_S`: sales that have not begun to settle are given back, and answered 503.
After `ABORT_S`: connections are closed.
What settles then goes on: it is bounded by itself.
"""

import asyncio
from collections.abc import Callable

from api.http.open_connections import OpenConnections

CUT_S = 20.0
ABORT_S = 25.0
HARD_S = 32.0
"""When the process ends unless something settles."""
SETTLING_S = 45.0
"""For which that is waited for then; a settlement takes two thirds of its lease at most."""


class Drain:
    """One worker's stop.

    Attributes:
        cut_short: gives back the sales that have not begun to settle.
    """

    def __init__(self, connections: OpenConnections) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.cut_short: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Begin; from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._loop.call_later(CUT_S, self._cut)
        self._loop.call_later(ABORT_S, self._connections.abort_all)

    def _cut(self) -> None:
        self.cut_short()
