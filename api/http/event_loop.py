"""The event loop of a server that must not run out of descriptors."""

import asyncio
from collections.abc import Callable
from typing import Any

ACCEPTED_AT_ONCE = 16
"""Connections that asyncio accepts before the protocol can count and refuse them."""


class CautiousEventLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with fewer accepts per iteration.

    asyncio accepts as many connections at once as the kernel's queue holds: after a busy moment that can be thousands,
    which would leave no descriptor for a sale.
    """

    async def create_server(self, *args: Any, backlog: int = 100, **named: Any) -> asyncio.Server:
        """As asyncio's; `backlog` connections may wait, few are accepted per iteration."""
        server: asyncio.Server = await super().create_server(*args, backlog=ACCEPTED_AT_ONCE, **named)
        for each in server.sockets:
            with each.dup() as listener:
                listener.listen(backlog)  # asyncio has set the kernel's queue to the small value
        return server


def factory(use_subprocess: bool = False) -> Callable[[], asyncio.AbstractEventLoop]:
    """uvicorn's loop factory; `use_subprocess` matters on Windows only."""
    return CautiousEventLoop
