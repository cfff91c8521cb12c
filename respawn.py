"""Dead workers are replaced within a second, and no stop is lost meanwhile.

BentoML's supervisor looks after its workers every ten seconds only: buyers whose picture a dead runner held would wait
for up to ten seconds longer than its start takes. A worker that dies soon after its start is left to that look, or a
fault that ends every start would keep a core busy.

While it starts or replaces workers, the supervisor (circus) refuses every other command, also to stop: a SIGTERM that
arrived then was lost, and the service never ended.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from functools import wraps
from typing import Any

import structlog
from bentoml._internal.utils import circus
from circus.exc import ConflictError  # type: ignore[import-untyped]
from circus.process import DEAD_OR_ZOMBIE, UNEXISTING  # type: ignore[import-untyped]
from tornado.ioloop import PeriodicCallback

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 0.5
RETRY_STOP_S = 0.05
LIVED_S = 30.0
"""A worker that dies younger has not got through its start, or not by much."""

Create = Callable[..., Any]


def replace_dead_workers_at_once() -> None:
    """For the supervisor, before BentoML makes its workers; nothing else of them changes."""
    circus.create_standalone_arbiter = quick(circus.create_standalone_arbiter)


def quick(create: Create, *, lived_s: float = LIVED_S) -> Create:
    """The same, whose arbiter (the part that keeps workers running) looks after them more often, and always stops."""

    @wraps(create)
    def created(*args: Any, **named: Any) -> Any:
        arbiter = create(*args, **named)

        async def look() -> None:
            dead = list(_dead(arbiter, lived_s))
            if dead:
                with suppress(ConflictError):  # it starts or stops workers already
                    replaced = arbiter.manage_watchers()
                    log.warning("workers_died", services=dead)
                    await replaced

        PeriodicCallback(look, 1000 * LOOK_EVERY_S).start()
        arbiter.stop = _patient(arbiter.stop)
        return arbiter

    return created


def _patient(stop: Callable[[], Awaitable[None]]) -> Callable[[], asyncio.Future[None]]:
    """The same command, given again until the supervisor accepts it."""

    async def accepted() -> None:
        while True:
            try:
                return await stop()
            except ConflictError:
                await asyncio.sleep(RETRY_STOP_S)

    return lambda: asyncio.ensure_future(accepted())


def _dead(arbiter: Any, lived_s: float) -> Iterator[str]:
    for watcher in arbiter.iter_watchers():
        if watcher.is_active() and len(watcher.processes) < watcher.numprocesses:
            yield watcher.name  # a replacement that failed
        for process in watcher.processes.values():
            if process.status in (DEAD_OR_ZOMBIE, UNEXISTING) and process.age() > lived_s:
                yield watcher.name
