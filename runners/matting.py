"""The matting runner: a BentoML service that runs the models in its own process."""

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
from runners.choice import BackendChoice, BackendSetting
from runners.drain import stop_after_dependents, stop_service
from runners.listen_address import require_token
from runners.precisions import WantedPrecision
from runners.served import ServedModels
from runners.watchdog import run_watchdog

__all__ = ["NAME", "matting_runner", "stop_service"]

NAME = "MattingRunner"
ANNOUNCE_S = 3.0
"""Time between announcing the shutdown and closing the port: API workers poll every second."""
_POLL_S = 0.05


def matting_runner(
    manifests: Sequence[ModelManifest],
    *,
    backend: BackendSetting,
    precision: WantedPrecision,
    threads: int,
    engines: Path,
    max_batch_size: int | None,
    max_wait_s: float,
    timeout_s: float,
    listen: tuple[str, int] | None = None,
    token: str | None = None,
) -> bentoml.Service[Any]:
    """The service `MattingRunner`. Use it through `bentoml.depends` and `runners.connection`.

    Args:
        manifests: the models to run. Each has its own queue and thread, so no model waits for another.
        backend: a name, or "auto" for the fastest backend that passes the probe.
        precision: "fp32", or "auto" for the smallest one close enough to it.
        threads: CPU threads of one inference.
        engines: folder of TensorRT's engines.
        max_batch_size: images per inference; None: measured.
        max_wait_s: maximum queued work per model in seconds.
        timeout_s: the callers' timeout; a batch that stalls for longer ends the process.
        listen: host and port of a runner on its own host; None inside the API's service.
        token: the secret that callers must send; without it the runner serves this machine only.
    """

    versions = {manifest.name: manifest.version for manifest in manifests}

    class MattingRunner:
        """Images in, alpha out. The server accepts no request until all models are loaded and measured."""

        def __init__(self) -> None:
            require_token(token)
            choice = BackendChoice(
                backend, threads=threads, max_batch=max_batch_size, engines=engines, precision=precision
            )
            try:
                self.models = ServedModels(manifests, choice, max_batch=max_batch_size, max_wait_s=max_wait_s)
            except NoBackend as error:
                sys.exit(str(error))
            self.app = RunnerApp(self.models.by_name, versions=versions, token=token)
            bypass_bentoml(self.app)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def drain_on_stop(self) -> None:
            stop_after_dependents(service.url, announce=self.announce)

        def announce(self) -> None:
            """Let callers on other hosts switch to other runners before the port closes; finish accepted requests."""
            self.app.stopping = True
            if listen is None:
                return
            time.sleep(ANNOUNCE_S)
            deadline = time.monotonic() + timeout_s
            while time.monotonic() < deadline and not all(each.is_idle for each in self.models.batchers()):
                time.sleep(_POLL_S)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        async def start_watchdog(self) -> None:
            self.watchdog = asyncio.create_task(run_watchdog(self.models.batchers, stalled_limit_s=timeout_s))

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
