"""The matting runner: a BentoML service in a process of its own that runs the models."""

import asyncio
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import bentoml

from bento_glue import QUIET, BypassBentoRoutes, bypass_bentoml
from models import ModelManifest
from runners.app import RunnerApp
from runners.backend import NoBackend
from runners.choice import Choice, Wanted
from runners.drain import stop_after_dependents
from runners.listening import refuse_strangers
from runners.precisions import WantedPrecision
from runners.served import ServedModels
from runners.stuck import end_when_stuck

NAME = "MattingRunner"
ANNOUNCED_S = 3.0
"""Between the word that a runner stops and its end: API workers ask every second how it is."""
_POLL_S = 0.05


def matting_runner(
    manifests: Sequence[ModelManifest],
    *,
    backend: Wanted,
    precision: WantedPrecision,
    threads: int,
    engines: Path,
    max_batch_size: int | None,
    max_wait_s: float,
    timeout_s: float,
    listen: tuple[str, int] | None = None,
    token: str | None = None,
) -> bentoml.Service[Any]:
    """The service `MattingRunner`, to be used through `bentoml.depends` and `runners.connection`.

    Args:
        manifests: the models to run, each with a queue and a thread of its own: none waits for another.
        backend: which one, or "auto" for the fastest that proves itself.
        precision: "fp32", or "auto" for the smallest that is near enough to it.
        threads: CPU threads of one inference.
        engines: folder of TensorRT's engines.
        max_batch_size: pictures per inference; None: as many as gain something.
        max_wait_s: seconds of work that may wait for one model.
        timeout_s: after which callers have given up; a batch that is stuck for longer ends the process.
        listen: host and port, where it is no part of another service but has a host of its own.
        token: what callers must know; without one it serves this machine only.
    """

    versions = {manifest.name: manifest.version for manifest in manifests}

    class MattingRunner:
        """Pictures in, alpha out. Until everything is loaded and measured the server accepts nothing."""

        def __init__(self) -> None:
            refuse_strangers(token)
            choice = Choice(backend, threads=threads, max_batch=max_batch_size, engines=engines, precision=precision)
            try:
                self.models = ServedModels(manifests, choice, max_batch=max_batch_size, max_wait_s=max_wait_s)
            except NoBackend as error:
                sys.exit(str(error))
            self.app = RunnerApp(self.models.by_name, versions=versions, token=token)
            bypass_bentoml(self.app)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def outlive_callers(self) -> None:
            stop_after_dependents(service.url, announce=self.announce)

        def announce(self) -> None:
            """Let callers on other hosts go elsewhere before the port is closed; what came until then is done."""
            self.app.stopping = True
            if listen is None:
                return
            time.sleep(ANNOUNCED_S)
            last = time.monotonic() + timeout_s
            while time.monotonic() < last and not all(each.is_idle for each in self.models.batchers()):
                time.sleep(_POLL_S)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        async def watch(self) -> None:
            self.watching = asyncio.create_task(end_when_stuck(self.models.batchers, patience_s=timeout_s))

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close(self) -> None:
            self.models.close()

    service = cast(
        bentoml.Service[Any],
        bentoml.service(
            name=NAME,
            workers=1,
            **QUIET,
            **({"http": {"host": listen[0], "port": listen[1]}} if listen else {}),
        )(MattingRunner),
    )
    service.add_asgi_middleware(BypassBentoRoutes)
    return service
