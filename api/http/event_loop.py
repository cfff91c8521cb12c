"""The event loop of a server that must not run out of descriptors."""

import asyncio
from collections.abc import Callable
from typing import Any

ACCEPTED_AT_ONCE = 16
"""New connections that asyncio takes before anybody can count, and refuse, them."""


class CautiousEventLoop(asyncio.SelectorEventLoop):
    """asyncio's, which accepts as many connections at once as may wait in the kernel: after a moment in which the loop
    was busy that would be thousands, and would leave no descriptor for a sale.
    """

    async def create_server(self, *args: Any, backlog: int = 100, **named: Any) -> asyncio.Server:
        """As asyncio's; `backlog` connections may wait, and few of them are accepted at once."""
        server: asyncio.Server = await super().create_server(*args, backlog=ACCEPTED_AT_ONCE, **named)
        for each in server.sockets:
            with each.dup() as listener:
                listener.listen(backlog)  # asyncio has set the kernel's queue to the same few
        return server


def factory(use_subprocess: bool = False) -> Callable[[], asyncio.AbstractEventLoop]:
    """What uvicorn asks for; `use_subprocess` matters on Windows only."""
    return CautiousEventLoop
