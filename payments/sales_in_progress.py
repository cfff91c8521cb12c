"""The sales in progress. They continue after their clients disconnect, and the service waits for them when it stops."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import structlog

from errors import Unavailable

log = structlog.get_logger(__name__)

T = TypeVar("T")


class SalesInProgress:
    """Runs each sale in its own task."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._settling: set[asyncio.Task[Any]] = set()

    async def run(self, sale: Coroutine[Any, Any, T]) -> T:
        """Run a sale to completion, even if the caller is cancelled.

        Raises:
            Unavailable: the service stops, and the settlement had not begun.
        """
        task = asyncio.create_task(sale)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise Unavailable("The service is being restarted. Send the same payment again shortly.") from None
            task.add_done_callback(_log_abandoned)
            raise

    @contextmanager
    def settling(self) -> Iterator[None]:
        """Protect the sale of this task from `cut_short` while it settles."""
        task = cast(asyncio.Task[Any], asyncio.current_task())
        self._settling.add(task)
        try:
            yield
        finally:
            self._settling.discard(task)

    @property
    def is_settling(self) -> bool:
        """Whether a settlement is in progress."""
        return bool(self._settling)

    def cut_short(self) -> None:
        """Cancel all sales whose settlement has not begun, because the service stops. Their payments stay valid."""
        for task in self._tasks - self._settling:
            task.cancel()

    async def wait(self) -> None:
        """Wait until all sales have ended."""
        if self._tasks:
            await asyncio.wait(set(self._tasks))


def _log_abandoned(task: asyncio.Task[Any]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.info("sale_failed_after_disconnect", exc_info=error)
