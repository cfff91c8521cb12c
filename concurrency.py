"""Work that a cancellation must not interrupt, and tasks that are cancelled and waited for.

anyio's `CancelScope(shield=True)` would not do: it shields from anyio's own scopes, not from `Task.cancel()`, which is
how asyncio's timeouts and the servers around us cancel.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


async def run_to_completion(work: Awaitable[T]) -> T:
    """Run `work` to completion, whatever it raises. A cancellation that arrives meanwhile is raised afterwards."""
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


async def cancel_and_wait(task: asyncio.Future[Any]) -> None:
    """Cancel a task, and return when it is done, whatever it raises."""
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
