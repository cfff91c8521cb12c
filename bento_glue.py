"""Patches of BentoML. A comment at each patch states its reason; docs/lessons.md has the history. supervisor.py patches
its supervisor.

BentoML starts the processes and runs the lifespan; our code does everything else.
"""

import os
import socket
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
"""Disables BentoML's timeout, which would cancel a sale with its own 504; the service's own limits are shorter."""

QUIET: dict[str, Any] = {
    # Both contain raw paths, so clients could grow the metrics without limit. Ours use routes.
    "metrics": {"enabled": False},
    "logging": {"access": {"enabled": False}},
}
"""Options of `bentoml.service` for every service."""


def is_supervisor() -> bool:
    """Whether this process starts the workers. This is all that is known before BentoML's worker command has loaded the
    service."""
    return server_context.worker_index is None


def is_worker_of(service: str) -> bool:
    """Whether this process is a worker of this BentoML service."""
    return "--service-name" in sys.argv and sys.argv[sys.argv.index("--service-name") + 1] == service


def listening_port() -> int | None:
    """The TCP port on which this worker serves, whatever it was set by; None where it serves on none.

    The supervisor opens the socket and hands it over by number.
    """
    if "--fd" not in sys.argv:
        return None
    with socket.socket(fileno=os.dup(int(sys.argv[sys.argv.index("--fd") + 1]))) as listener:
        name = listener.getsockname()
    return int(name[1]) if isinstance(name, tuple) else None


def address_of(service: str) -> str | None:
    """Address of a service that the supervisor has started as a dependency; None if it has not.

    `bentoml.depends` would return a client that pickles images.
    """
    return BentoMLContainer.remote_runner_mapping.get().get(service)


def counts_folder() -> Path:
    """The folder in which the processes of this service count, for the supervisor."""
    return Path(BentoMLContainer.prometheus_multiproc_dir.get())


def change_bentoml(*, runner: str, is_secret: Callable[[str], bool]) -> None:
    """Apply the patches in this process. Must be called when the service's module is imported, because the supervisor
    starts its workers soon after.

    Args:
        runner: name of the service whose workers are started without secrets.
        is_secret: whether an environment variable of this name is one.
    """
    # BentoML creates world-readable files and sockets; no other user needs the ledger, sockets and metrics.
    os.umask(0o077)
    # Disables BentoML's telemetry; its command line has cached the setting before it imports the service.
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    do_not_track.cache_clear()
    # uvicorn trusts X-Forwarded-For from this machine by default; the setting `trusted_proxies` decides instead.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    # In a container BentoML does not replace a worker that died, and ends the service with the runner.
    os.environ.pop("BENTOML_CONTAINERIZED", None)
    # BentoML leaves the HTTP implementation to uvicorn, which answers a malformed request with plain text.
    cast(dict[str, Any], HTTP_PROTOCOLS)["auto"] = _connection
    # It also leaves the event loop to uvicorn; asyncio's accepts thousands of connections before one can be refused.
    LOOP_FACTORIES["auto"] = "api.http.event_loop:factory"
    bound_arenas()
    if is_supervisor():
        # By default all services of a user share one metrics folder, and each start empties it.
        folder = own_folder(Path(BentoMLContainer.bentoml_home.get()) / "clearcanvas-metrics")
        BentoMLContainer.prometheus_multiproc_dir.set(str(folder))
        change_supervisor(runner, is_secret)
    elif "--fd" in sys.argv:
        # Every worker inherits the sockets of all services, and would keep their ports open after those have ended.
        close_other_listeners(int(sys.argv[sys.argv.index("--fd") + 1]))


class BypassBentoRoutes:
    """ASGI middleware that sends every request to our application and the lifespan to BentoML.

    BentoML's pages, probes and errors must not be public, and its routes unpickle request bodies.

    Attributes:
        application: our application, for the whole process.
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
    """Serve this application in this process without BentoML's middleware, whose tracing costs as much CPU time as a
    quote."""
    BypassBentoRoutes.application, BypassBentoRoutes.protocol = application, protocol


def _connection(**named: Any) -> H11Protocol:
    connection = BypassBentoRoutes.protocol(**named)
    if BypassBentoRoutes.application is not None:
        connection.app = _application
    return connection


async def _application(scope: Scope, receive: Receive, send: Send) -> None:
    application = BypassBentoRoutes.application
    if application is None:
        raise RuntimeError("received a request before the service was started")
    await application(_normalize_path(scope), receive, send)


def _normalize_path(scope: Scope) -> Scope:
    """Ensure a leading slash: for `*` and absolute URLs Starlette would answer with its own 404."""
    return scope if scope["path"].startswith("/") else {**scope, "path": f"/{scope['path']}"}
