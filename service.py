"""The BentoML services: `bentoml serve service:BackgroundRemoval` sells cut-outs, `MattingRunner` runs the models.

The supervisor, the runner and the API workers all import this module. Only API workers serve clients, so only they load
what is behind `api_worker`. Why BentoML's own routes, timeouts and metrics are not used: bento_glue.py.
"""

from contextlib import AbstractAsyncContextManager
from typing import Any, cast

import bentoml
from starlette.applications import Starlette

from bento_glue import NO_TIMEOUT_S, QUIET, BypassBentoRoutes, is_worker_of
from deployment import prepare_deployment
from process_start import start_process
from runner_composition import compose_runner
from runners.matting import NAME

# Settings are read on import because BentoML's decorators below need the number of workers and the host.
settings, manifests = start_process(sells=not is_worker_of(NAME))

MattingRunner = compose_runner(settings, manifests)


def _lifespan(application: Starlette) -> AbstractAsyncContextManager[None]:
    return cast(AbstractAsyncContextManager[None], application.state.worker.serve())


application = Starlette(lifespan=_lifespan)
"""BentoML runs the lifespan of what is mounted in it; requests bypass it."""


@bentoml.service(
    name="BackgroundRemoval",
    workers=settings.workers,
    traffic={"timeout": NO_TIMEOUT_S},
    runner_probe={"enabled": False},  # `/readyz` is ours
    # The sandbox's keys are public. A container can only be reached if it listens on every address.
    http={"host": "127.0.0.1" if settings.profile == "sandbox" else "0.0.0.0"},  # noqa: S104
    **QUIET,
)
@bentoml.asgi_app(application, path="/")
class BackgroundRemoval:
    """Sells cut-outs over HTTP."""

    if not settings.runner.addresses:
        runner = bentoml.depends(MattingRunner)  # so that the supervisor starts it; API workers use its address

    def __init__(self) -> None:
        from api_worker import ApiWorker  # noqa: PLC0415  # only API workers serve clients

        application.state.worker = ApiWorker(settings, manifests)

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def prepare() -> None:
        """Run once per start, before any worker."""
        prepare_deployment(settings, manifests)


cast(bentoml.Service[Any], BackgroundRemoval).add_asgi_middleware(BypassBentoRoutes)
