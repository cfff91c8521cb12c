"""The matting runner: a BentoML service in a process of its own that runs the models."""

from collections.abc import Sequence
from functools import partial
from typing import Any, cast

import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

from models.manifest import ModelManifest
from runners.app import RunnerApp, ServedModel
from runners.backend import Backend, Pixels, load_backend
from runners.batch_limit import batch_limit
from runners.batcher import Batcher
from runners.ending import end_last
from runners.pace import Pace
from runners.protocol import RunnerProtocol
from telemetry import BATCH_SIZE, INFERENCE_SECONDS

NAME = "MattingRunner"


def matting_runner(
    manifests: Sequence[ModelManifest],
    *,
    backends: Sequence[str],
    threads: int,
    max_batch_size: int | None,
    max_wait_s: float,
) -> bentoml.Service[Any]:
    """The service `MattingRunner`, to be used through `bentoml.depends` and `runners.connection`.

    Args:
        manifests: the models to run, each with a queue and a thread of its own: none waits for another.
        backends: "cuda" and "cpu" in the order in which they are tried.
        threads: CPU threads of one inference.
        max_batch_size: pictures per inference; None: as many as gain something.
        max_wait_s: seconds of work that may wait for one model.
    """

    class MattingRunner:
        """Pictures in, alpha out. Until everything is loaded and measured the server accepts nothing."""

        def __init__(self) -> None:
            from runners.ort_backend import OrtBackend  # noqa: PLC0415  # the other processes need no runtime

            factories = {device: partial(OrtBackend, device=device, threads=threads) for device in ("cuda", "cpu")}
            self.backends = [load_backend(backends, manifest, factories) for manifest in manifests]
            self.models = {
                manifest.name: _served(manifest, backend, max_batch_size, max_wait_s)
                for manifest, backend in zip(manifests, self.backends, strict=True)
            }
            RunnerDoor.app = RunnerApp(self.models)
            RunnerProtocol.straight_to = (RunnerDoor.app,)

        @bentoml.on_startup  # type: ignore[untyped-decorator]
        def outlive_callers(self) -> None:
            end_last(service.url)

        @bentoml.on_shutdown  # type: ignore[untyped-decorator]
        def close(self) -> None:
            for model in self.models.values():
                model.batcher.close()
            for backend in self.backends:
                backend.close()

    service = cast(
        bentoml.Service[Any],
        bentoml.service(name=NAME, workers=1, metrics={"enabled": False}, logging={"access": {"enabled": False}})(
            MattingRunner
        ),
    )
    service.add_asgi_middleware(RunnerDoor)
    return service


class RunnerDoor:
    """Sends every request to our application, however the server was started: BentoML's routes unpickle what comes."""

    app: ASGIApp

    def __init__(self, app: ASGIApp) -> None:
        self._bentoml = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests to our application, the lifespan to BentoML's."""
        await (self._bentoml if scope["type"] == "lifespan" else RunnerDoor.app)(scope, receive, send)


def _served(manifest: ModelManifest, backend: Backend, max_batch_size: int | None, max_wait_s: float) -> ServedModel:
    pace, size = Pace(), manifest.input.size
    limit = batch_limit(backend, size, max_batch_size, pace)
    batcher = Batcher(_counted(manifest.name, backend), limit=limit, max_wait_s=max_wait_s, pace=pace)
    return ServedModel(size, backend.name, batcher)


def _counted(model: str, backend: Backend) -> Any:
    def infer(images: Pixels) -> Pixels:
        BATCH_SIZE.labels(model).observe(len(images))
        with INFERENCE_SECONDS.labels(model).time():
            return backend.infer(images)

    return infer
