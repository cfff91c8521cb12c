"""Notifies all waiting tasks when the chain has a new block, with one poll for all of them."""

import asyncio
from contextlib import suppress

from errors import RailUnavailable
from payments.evm.question import JsonRpc
from payments.evm.questions import block_number

POLL_S = 0.2
LONGEST_S = 1.0
"""Maximum wait: the node that is asked for a receipt may lag behind the one that showed the block."""


class NewBlocks:
    """Polls the chain while a task waits for it."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._new_block = asyncio.Event()
        self._waiting = 0
        self._polling: asyncio.Task[None] | None = None

    async def next(self) -> None:
        """Return when there may be a new block, within a second."""
        self._waiting += 1
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_S):
                    await self._new_block.wait()
        finally:
            self._waiting -= 1

    async def _poll(self) -> None:
        seen = None  # the first poll always notifies
        while self._waiting:
            await asyncio.sleep(POLL_S)
            with suppress(RailUnavailable):
                newest = await self._rpc.ask(block_number())
                if newest != seen:
                    seen = newest
                    self._wake()

    def _wake(self) -> None:
        self._new_block.set()
        self._new_block = asyncio.Event()
