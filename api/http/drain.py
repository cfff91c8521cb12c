"""Shutdown: requests in progress may finish, within a time limit.

Immediately: the server accepts no connections, and closes those without a complete request in progress.
After `CUT_S`: sales that have not begun to settle are released and answered 503.
After `ABORT_S`: connections are closed.
Settlements in progress continue: they have their own time limit.
"""

import asyncio
from collections.abc import Callable

from api.http.open_connections import OpenConnections

CUT_S = 20.0
ABORT_S = 25.0
HARD_S = 32.0
"""The process ends after this time unless a settlement is in progress."""
SETTLING_S = 45.0
"""Additional time for settlements; a settlement takes two thirds of its lease at most."""


class Drain:
    """The shutdown of one worker.

    Attributes:
        cut_short: releases the sales that have not begun to settle.
    """

    def __init__(self, connections: OpenConnections) -> None:
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self.cut_short: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Start the shutdown; may be called from any thread."""
        self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._loop.call_later(CUT_S, self._cut)
        self._loop.call_later(ABORT_S, self._connections.abort_all)

    def _cut(self) -> None:
        self.cut_short()
