"""A priority queue for the statements of one process: some must not wait behind a burst of others."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum


class Rank(IntEnum):
    """Priority: lower values first.

    A settlement in progress holds a lock that all others wait for, and a payer's money; a read delays nothing.
    """

    SETTLEMENT = 0
    READ = 1
    OTHER = 2


class Turns:
    """A semaphore with priorities; within a rank, in order of arrival.

    A rank may use all places except as many as its number: so places are reserved for higher priorities, and a
    settlement or a read finds one even while others are slow.

    Args:
        places: must be greater than the number of ranks.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: dict[Rank, deque[asyncio.Future[None]]] = {rank: deque() for rank in Rank}

    @asynccontextmanager
    async def turn(self, rank: Rank) -> AsyncIterator[None]:
        """Hold a place while the block runs."""
        await self._acquire(rank)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, rank: Rank) -> None:
        if self._free > rank:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[rank].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()
            raise

    def _release(self) -> None:
        self._free += 1
        for rank, waiting in self._waiting.items():
            while waiting and self._free > rank:
                turn = waiting.popleft()
                if not turn.done():
                    self._free -= 1
                    turn.set_result(None)
