"""Tells all who wait for a transaction when the chain has a new block: one question for all of them."""

import asyncio
from contextlib import suppress

from errors import RailUnavailable
from payments.evm.question import JsonRpc
from payments.evm.questions import block_number

POLL_S = 0.2
LONGEST_S = 1.0
"""After which they look all the same: the node that is asked for a receipt may be later than the one that told of the
block."""


class NewBlocks:
    """The chain is asked as long as somebody waits."""

    def __init__(self, rpc: JsonRpc) -> None:
        self._rpc = rpc
        self._news = asyncio.Event()
        self._waiting = 0
        self._asking: asyncio.Task[None] | None = None

    async def next(self) -> None:
        """Come back when there may be a new block, within a second."""
        self._waiting += 1
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_S):
                    await self._news.wait()
        finally:
            self._waiting -= 1

    async def _ask(self) -> None:
        seen = None  # what came before the first look nobody has been told of
        while self._waiting:
            await asyncio.sleep(POLL_S)
            with suppress(RailUnavailable):
                newest = await self._rpc.ask(block_number())
                if newest != seen:
                    seen = newest
                    self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
