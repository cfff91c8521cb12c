"""Patches of BentoML's supervisor (circus), applied before it starts its workers.

Dead workers are replaced within a second: by itself the supervisor checks every ten seconds, and buyers with an image
on a dead runner would wait for that long. A worker that dies soon after its start is left to that check; otherwise a
fault that ends every start would keep a core busy.

No stop is lost: while it starts or replaces workers, the supervisor rejects every other command. Without the patch a
SIGTERM at that time is lost, and the service never stops.

The runner is started without the API workers' secrets, so an attacker who controls it learns no key.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from functools import wraps
from typing import Any

import structlog
from bentoml._internal.utils import circus
from circus.exc import ConflictError  # type: ignore[import-untyped]
from circus.process import DEAD_OR_ZOMBIE, UNEXISTING  # type: ignore[import-untyped]
from tornado.ioloop import PeriodicCallback

log = structlog.get_logger(__name__)

CHECK_EVERY_S = 0.5
RETRY_STOP_S = 0.05
MIN_LIFETIME_S = 30.0
"""A worker that dies before this age was probably still starting."""

Create = Callable[..., Any]


def change_supervisor(runner: str, is_secret: Callable[[str], bool]) -> None:
    """Apply the patches. Must be called in the supervisor before BentoML starts its workers.

    Args:
        runner: name of the service whose workers are started without secrets.
        is_secret: whether an environment variable of this name is one.
    """
    create = without_secrets(circus.create_standalone_arbiter, runner, is_secret)
    circus.create_standalone_arbiter = replacing_dead_workers(create)


def without_secrets(create: Create, service: str, is_secret: Callable[[str], bool]) -> Create:
    """Wrap a constructor so that the workers of `service` get no secret environment variables."""

    @wraps(create)
    def created(*args: Any, **named: Any) -> Any:
        for watcher in named["watchers"]:
            if watcher.name == f"service_{service}":
                watcher.env = _without_secrets(watcher.env, is_secret)
        return create(*args, **named)

    return created


def _without_secrets(environ: Mapping[str, str], is_secret: Callable[[str], bool]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not is_secret(name)}


def replacing_dead_workers(create: Create, *, min_lifetime_s: float = MIN_LIFETIME_S) -> Create:
    """Wrap a constructor so that its arbiter (which keeps the workers running) checks more often and always stops."""

    @wraps(create)
    def created(*args: Any, **named: Any) -> Any:
        arbiter = create(*args, **named)

        async def check() -> None:
            dead = list(_dead_workers(arbiter, min_lifetime_s))
            if dead:
                with suppress(ConflictError):  # it is already starting or stopping workers
                    replaced = arbiter.manage_watchers()
                    log.warning("workers_died", services=dead)
                    await replaced

        PeriodicCallback(check, 1000 * CHECK_EVERY_S).start()
        arbiter.stop = _retrying(arbiter.stop)
        return arbiter

    return created


def _retrying(stop: Callable[[], Awaitable[None]]) -> Callable[[], asyncio.Future[None]]:
    """Wrap the command so that it is repeated until the supervisor accepts it."""

    async def accepted() -> None:
        while True:
            try:
                return await stop()
            except ConflictError:
                await asyncio.sleep(RETRY_STOP_S)

    return lambda: asyncio.ensure_future(accepted())


def _dead_workers(arbiter: Any, min_lifetime_s: float) -> Iterator[str]:
    for watcher in arbiter.iter_watchers():
        if watcher.is_active() and len(watcher.processes) < watcher.numprocesses:
            yield watcher.name  # a replacement that failed
        for process in watcher.processes.values():
            if process.status in (DEAD_OR_ZOMBIE, UNEXISTING) and process.age() > min_lifetime_s:
                yield watcher.name
