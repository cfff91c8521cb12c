"""Work that must not be interrupted by a cancellation."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(work: Coroutine[Any, Any, T]) -> T:
    """Run `work` to completion. A cancellation that arrives meanwhile is raised afterwards."""
    task = asyncio.ensure_future(work)
    await wait_until_done(task)
    return task.result()


async def wait_until_done(task: asyncio.Future[Any]) -> None:
    """Wait until a task is done. A cancellation of the wait is raised afterwards."""
    cancelled = False
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            cancelled = True
    if cancelled:
        if not task.cancelled():
            task.exception()  # retrieved, so asyncio does not log it as never retrieved
        raise asyncio.CancelledError
