"""Work that a cancellation must not interrupt, and tasks that are cancelled and awaited.

anyio's `CancelScope(shield=True)` is not sufficient: it shields from anyio's scopes, but not from `Task.cancel()`,
which asyncio's timeouts and the servers use.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(work: Awaitable[T]) -> T:
    """Run `work` to completion. A cancellation during that time is raised afterwards."""
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
            task.exception()  # retrieve it, so that asyncio does not log it
        raise asyncio.CancelledError


async def cancel_and_wait(task: asyncio.Future[Any]) -> None:
    """Cancel a task and wait until it is done. Its exception is ignored."""
    task.cancel()
    await wait_until_done(task)


@asynccontextmanager
async def in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run `work` in a task while the block runs; at the block's end the task is cancelled and waited for."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        await cancel_and_wait(task)
