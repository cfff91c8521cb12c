"""What we change about BentoML, and why. Each change is needed for a reason that its comment names; docs/lessons.md has
the history. What we change about its supervisor is in supervisor.py.

BentoML starts the processes and runs the lifespan; everything after that is ours.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, cast

from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from bentoml._internal.utils.analytics.usage_stats import do_not_track
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS, LOOP_FACTORIES
from uvicorn.protocols.http.h11_impl import H11Protocol

from memory import bound_arenas
from metrics_folder import own_folder
from process_end import close_other_listeners
from supervisor import change_supervisor

NO_TIMEOUT_S = 10**6
"""BentoML's timeout would cancel a sale and answer 504 in a form of its own; the service's own limits are shorter."""

QUIET: dict[str, Any] = {
    # Both hold raw paths: clients could make the metrics grow without bound. Ours go by route.
    "metrics": {"enabled": False},
    "logging": {"access": {"enabled": False}},
}
"""Options of `bentoml.service`, for every service."""


def is_supervisor() -> bool:
    """Whether this process starts the workers; before BentoML's worker command has loaded the service, no worker knows
    more of itself."""
    return server_context.worker_index is None


def is_worker_of(service: str) -> bool:
    """Whether this process is a worker of this BentoML service."""
    return "--service-name" in sys.argv and sys.argv[sys.argv.index("--service-name") + 1] == service


def address_of(service: str) -> str | None:
    """Where the supervisor has started a service that another one depends on; None when it has not.

    `bentoml.depends` would wrap the address into a client that pickles images.
    """
    return BentoMLContainer.remote_runner_mapping.get().get(service)


def change_bentoml(*, runner: str, is_secret: Callable[[str], bool]) -> None:
    """Change BentoML in this process. Must be called when the service's module is imported: the supervisor makes its
    workers soon after that.

    Args:
        runner: name of the service whose workers are started without secrets.
        is_secret: whether an environment variable of this name is one.
    """
    # BentoML creates files and sockets that everybody may read; no other user needs the ledger, sockets and metrics.
    os.umask(0o077)
    # BentoML reports its use to its makers; its command line has asked, and cached, before it imports the service.
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    do_not_track.cache_clear()
    # uvicorn trusts X-Forwarded-For from this machine by default; the setting `trusted_proxies` decides instead.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    # In a container BentoML does not replace a worker that died, and ends the service with the runner.
    os.environ.pop("BENTOML_CONTAINERIZED", None)
    # BentoML chooses no HTTP implementation, and uvicorn's own answers a malformed request with a line of text.
    cast(dict[str, Any], HTTP_PROTOCOLS)["auto"] = _connection
    # Nor does it choose an event loop; asyncio's accepts thousands of connections before one can be refused.
    LOOP_FACTORIES["auto"] = "api.http.event_loop:factory"
    bound_arenas()
    if is_supervisor():
        # All services of a user share one folder of metrics, and each start empties it.
        folder = own_folder(Path(BentoMLContainer.bentoml_home.get()) / "clearcanvas-metrics")
        BentoMLContainer.prometheus_multiproc_dir.set(str(folder))
        change_supervisor(runner, is_secret)
    elif "--fd" in sys.argv:
        # Every worker inherits the sockets of all services, and would keep their ports open after they ended.
        close_other_listeners(int(sys.argv[sys.argv.index("--fd") + 1]))


class BypassBentoRoutes:
    """ASGI middleware that sends every request to our application and the lifespan to BentoML.

    BentoML's pages, probes and errors must not be public, and its routes unpickle whatever is posted to them.

    Attributes:
        application: ours, for the whole process.
        protocol: the HTTP implementation of each connection.
    """

    application: ClassVar[ASGIApp | None] = None
    protocol: ClassVar[type[H11Protocol]] = H11Protocol

    def __init__(self, app: ASGIApp) -> None:
        self._bentoml = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or run BentoML's lifespan."""
        await (self._bentoml if scope["type"] == "lifespan" else _application)(scope, receive, send)


def bypass_bentoml(application: ASGIApp, protocol: type[H11Protocol] = H11Protocol) -> None:
    """Serve this application in this process, without the layers that BentoML puts around every request: they trace
    it although nobody reads the traces, and cost as much as a quote."""
    BypassBentoRoutes.application, BypassBentoRoutes.protocol = application, protocol


def _connection(**named: Any) -> H11Protocol:
    connection = BypassBentoRoutes.protocol(**named)
    if BypassBentoRoutes.application is not None:
        connection.app = _application
    return connection


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    application = BypassBentoRoutes.application
    if application is None:
        raise RuntimeError("a request came before the service was started")
    await application(_normalize_path(scope), receive, send)


def _normalize_path(scope: Scope) -> Scope:
    """A path as routes expect it; for `*` and absolute URLs Starlette would answer 404 in a form of its own."""
    return scope if scope["path"].startswith("/") else {**scope, "path": f"/{scope['path']}"}
