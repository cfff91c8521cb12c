"""Work that a cancellation must not tear."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def unbroken(work: Coroutine[Any, Any, T]) -> T:
    """Do the work to its end; a cancellation that came meanwhile is raised after it."""
    task = asyncio.ensure_future(work)
    await ended(task)
    return task.result()


async def ended(task: asyncio.Future[Any]) -> None:
    """Wait until a task is done, come what may; a cancellation of the wait is raised after it."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()  # seen, so asyncio does not complain that nobody looked
        raise asyncio.CancelledError
