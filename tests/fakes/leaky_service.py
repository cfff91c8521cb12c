"""The service with leaks: `LEAKS=memory,files bentoml serve tests.fakes.leaky_service:BackgroundRemoval`.

The control of `make soak`: with any of them a soak has to fail, and without one it passes. Everything else is the
shipped service. API workers load the application late, and load this one.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import ModuleType, SimpleNamespace
from typing import Any, cast

from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

import api_worker
from service import BackgroundRemoval

__all__ = ["BackgroundRemoval"]

_SLOWER_S = 0.002


class Leaky:
    """Each request leaves something behind, of the kinds that are named."""

    def __init__(self, app: ASGIApp, kinds: list[str]) -> None:
        self._app = app
        self._leaks = [LEAKS[kind] for kind in kinds]
        self._left: list[Any] = []
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Leak, and answer."""
        self._requests += 1
        if "latency" in os.environ["LEAKS"]:
            await asyncio.sleep(_SLOWER_S * self._requests)
        self._left += [leak() for leak in self._leaks]
        await self._app(scope, receive, send)


def _thread() -> threading.Thread:
    thread = threading.Thread(target=threading.Event().wait, daemon=True)
    thread.start()
    return thread


LEAKS: dict[str, Callable[[], object]] = {
    "memory": lambda: os.urandom(250_000),
    "files": lambda: open("/dev/null", "rb"),  # noqa: PTH123, SIM115  # is never closed
    "threads": _thread,
    "latency": lambda: None,
}


def _application() -> ModuleType:
    import composition  # noqa: PLC0415  # as late as the shipped one

    @asynccontextmanager
    async def compose(*parts: Any) -> AsyncIterator[Starlette]:
        async with composition.compose(*parts) as app:
            app.add_middleware(Leaky, kinds=[each for each in os.environ["LEAKS"].split(",") if each])
            yield app

    return cast(ModuleType, SimpleNamespace(compose=compose))


vars(api_worker)["load_composition"] = _application
