"""Who goes next: of the statements of one process, some must not wait behind a burst of others."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import IntEnum


class Rank(IntEnum):
    """The lower goes first.

    A settlement under way holds a lock that all others wait for, and a payer's money; a read holds up nobody.
    """

    SETTLEMENT = 0
    READ = 1
    OTHER = 2


class Turns:
    """So many statements at a time; in each rank the first come is the first served.

    Of a rank, as many places as its number are left free for those before it: however long the others take, a
    settlement finds a place, and so does a read.

    Args:
        places: more than there are ranks.
    """

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: dict[Rank, deque[asyncio.Future[None]]] = {rank: deque() for rank in Rank}

    @asynccontextmanager
    async def turn(self, rank: Rank) -> AsyncIterator[None]:
        """Have a place while the block runs."""
        await self._take(rank)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, rank: Rank) -> None:
        if self._free > rank:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting[rank].append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back()
            raise

    def _give_back(self) -> None:
        self._free += 1
        for rank, waiting in self._waiting.items():
            while waiting and self._free > rank:
                turn = waiting.popleft()
                if not turn.done():
                    self._free -= 1
                    turn.set_result(None)
