"""Where `bentoml serve` and `bentoml build` begin: the two BentoML services, and the door between BentoML and our app.

Three kinds of processes import this file: the supervisor, the runner and the API workers. Only API workers sell, so
only they load the rooms behind `composition`.
"""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, chdir
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import bentoml
import structlog
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from bentoml._internal.utils.analytics.usage_stats import do_not_track
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.config import HTTP_PROTOCOLS

from config import ConfigurationError, Settings, load
from errors import ServiceError
from logs import configure_logging, log_uncaught
from memory import bound_arenas
from metrics_folder import own_folder
from models.manifest import MODELS, ModelError, ModelManifest
from models.served import check_weights, load_served, may_be_sold
from process_end import ask_to_end, close_other_listeners, end_after, end_with_supervisor, on_first_signal
from respawn import replace_dead_workers_at_once
from runners.client import RunnerClient
from runners.connection import RunnerConnection
from runners.matting import NAME, matting_runner
from runners.protocol import RunnerProtocol

log = structlog.get_logger("service")

ROOT = Path(__file__).parent
FAR_OFF_S = 10**6
"""BentoML's own timeout would cancel a sale and answer 504 in a form of its own; ours are shorter and know better."""


def _settings() -> tuple[Settings, tuple[ModelManifest, ...]]:
    """Settings and models, or the end of this process with all that is wrong with them."""
    try:
        settings = load()
        folders = MODELS, ROOT / settings.runner.models_folder
        for_money = settings.profile == "mainnet"
        return settings, load_served(settings.model_prices(), *folders, for_money=for_money)
    except (ConfigurationError, ModelError) as error:
        sys.exit(str(error))


# BentoML reports its use to its makers; its command line has asked, and remembers, before it reads this file.
os.environ["BENTOML_DO_NOT_TRACK"] = "True"
do_not_track.cache_clear()
# All services of a user would share one folder of counts, and each start would empty it. The supervisor asks for the
# folder after it has read this file, and hands it to its workers.
if server_context.worker_index is None:
    counts = own_folder(Path(BentoMLContainer.bentoml_home.get()) / "clearcanvas-metrics")
    BentoMLContainer.prometheus_multiproc_dir.set(str(counts))
    replace_dead_workers_at_once()
# The server would believe X-Forwarded-For from this machine; whom to believe is our own setting, `trusted_proxies`.
os.environ["FORWARDED_ALLOW_IPS"] = ""
# In a container BentoML would not replace a worker that died, and end the whole service instead: it counts on whoever
# runs the container. A dead runner would take all sales under way with it, and one of two API workers would be missing
# for ever. The supervisor asks for this when it makes its workers, after it has read this file.
os.environ.pop("BENTOML_CONTAINERIZED", None)
bound_arenas()
if server_context.worker_index is not None and "--fd" in sys.argv:
    close_other_listeners(int(sys.argv[sys.argv.index("--fd") + 1]))


def _protocol(**named: Any) -> asyncio.Protocol:
    """The HTTP of one connection. BentoML leaves the choice to the server, whose own answers what it cannot read with
    a line of text; buyers get a problem."""
    if server_context.service_name == NAME:
        return RunnerProtocol(**named)
    from api.http.protocol import ClientProtocol  # noqa: PLC0415  # only API workers serve buyers

    return ClientProtocol(**named)


cast(dict[str, Any], HTTP_PROTOCOLS)["auto"] = _protocol

settings, manifests = _settings()
configure_logging(settings.log_level, settings.secrets())
log_uncaught()

MattingRunner = matting_runner(
    manifests,
    backend=settings.runner.backend,
    precision=settings.runner.precision,
    threads=settings.runner.threads,
    engines=ROOT / settings.runner.engines_folder,
    max_batch_size=None if settings.runner.max_batch_size == "auto" else settings.runner.max_batch_size,
    # API workers take pictures in by this wait, each before it knows of the others': their claims are not in vain.
    max_wait_s=2 * settings.runner.max_wait_s,
    timeout_s=settings.runner.timeout_s,
)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        runner = await stack.enter_async_context(RunnerConnection(_runner_address()))
        clients = [_client(runner, manifest) for manifest in manifests]
        looking = asyncio.gather(*(client.keep_looking() for client in clients))
        stack.callback(looking.cancel)
        # Only API workers sell, so only they load these rooms: for seconds, in which the runner starts.
        composition = await asyncio.to_thread(import_module, "composition")
        models = list(zip(manifests, clients, strict=True))
        composed = await stack.enter_async_context(composition.compose(settings, models))
        app.state.gate = composed.state.gate
        app.state.drain.cut_short = composed.state.gate.cut_short
        app.mount("/", composed)
        yield


def _client(runner: RunnerConnection, manifest: ModelManifest) -> RunnerClient:
    timeout_s = settings.runner.timeout_s
    return RunnerClient(runner, model=manifest.name, size=manifest.input.size, timeout_s=timeout_s)


def _runner_address() -> str:
    """Where the supervisor has put the runner, or the operator: `bentoml.depends` would wrap it into a client that
    pickles pictures."""
    address = BentoMLContainer.remote_runner_mapping.get().get(NAME)
    if address is None:
        sys.exit(f'There is no runner. Set BENTOML_SERVE_DEPENDS="{NAME}=http://host:port", or use `bentoml serve`.')
    return address


application = Starlette(lifespan=_lifespan)


class Door:
    """Sends every request to our application, so that no page, probe or error of BentoML's own is public.

    BentoML keeps the lifespan: it starts the services, and then whatever is mounted.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Requests to our application, the lifespan to BentoML's; `ClientProtocol` lets nothing else through."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        else:
            await application(_rooted(scope), receive, send)


def _rooted(scope: Scope) -> Scope:
    """A path as routes know them; for `*` and whole URLs Starlette would answer 404 in a form of its own."""
    return scope if scope["path"].startswith("/") else {**scope, "path": f"/{scope['path']}"}


@bentoml.service(
    name="BackgroundRemoval",
    workers=settings.workers,
    traffic={"timeout": FAR_OFF_S},
    # Counts and lines per raw path: anybody could make them grow. Ours go by route.
    metrics={"enabled": False},
    logging={"access": {"enabled": False}},
    runner_probe={"enabled": False},
    # Everybody knows the sandbox's keys.
    http={"host": "127.0.0.1" if settings.profile == "sandbox" else "0.0.0.0"},  # noqa: S104  # a container's only way
)
@bentoml.asgi_app(application, path="/")
class BackgroundRemoval:
    """Sells cut-outs over HTTP."""

    runner = bentoml.depends(MattingRunner)
    """So that the supervisor starts it; it is reached by `_runner_address`."""

    def __init__(self) -> None:
        from api.http.limits import ConnectionLimits, raise_descriptor_limit  # noqa: PLC0415  # the same
        from api.http.open_connections import OpenConnections  # noqa: PLC0415  # the same
        from api.http.protocol import ClientProtocol  # noqa: PLC0415  # only this process serves buyers

        # Past the layers that BentoML puts around every application: they would trace each request for nobody, and
        # cost as much as the quote.
        ClientProtocol.straight_to = (Door(application),)
        raise_descriptor_limit()
        limits = ConnectionLimits(**dict(settings.connections))
        ClientProtocol.open = OpenConnections(limits, settings.trusted_proxies)
        _end_in_time(ClientProtocol.open)

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    @staticmethod
    def prepare() -> None:
        """Once per start, before any worker: check the weights, migrate the database, run the sandbox's chains."""
        os.umask(0o077)  # for the workers as well: ledger, sockets and counts are nobody else's
        sys.path.insert(0, str(ROOT))  # serving a bento, BentoML has taken it out again by now
        try:
            check_weights(manifests)
            _prove_backend()
            with chdir(ROOT):  # where the workers run
                asyncio.run(_migrate())
        except ModelError as error:
            sys.exit(str(error))
        except ServiceError as error:
            sys.exit(error.detail)
        for manifest in manifests:
            if not may_be_sold(manifest):
                log.warning("model_forbids_commercial_use", model=manifest.label, licence=manifest.licence)
        if settings.profile == "sandbox":
            _run_chains()


cast(bentoml.Service[Any], BackgroundRemoval).add_asgi_middleware(Door)


def _prove_backend() -> None:
    """A backend that was named must be able to run every model: else nothing starts. Not in this process, which would
    hold the device while the service runs."""
    runner = settings.runner
    if runner.backend == "auto":
        return
    options = {
        "--backend": runner.backend,
        "--max-batch": runner.max_batch_size,
        "--models-folder": ROOT / runner.models_folder,
        "--engines": ROOT / runner.engines_folder,
    }
    words = [str(each) for pair in options.items() for each in pair]
    names = [manifest.name for manifest in manifests]
    command = [sys.executable, "-m", "runners", "verify", "--quick", *words, *names]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603  # our own
    if found.returncode:
        sys.exit(f"CLEARCANVAS_RUNNER__BACKEND={runner.backend} cannot be served with.\n{found.stderr.strip()}")


def _end_in_time(connections: Any) -> None:
    """Stop within a bounded time when told to, and when the supervisor is gone."""
    from api.http import drain  # noqa: PLC0415  # only API workers serve buyers

    application.state.drain = drain.Drain(connections)

    def stop() -> None:
        application.state.drain.begin()
        end_after(drain.HARD_S, unless=_settles, at_most_s=drain.SETTLING_S)

    on_first_signal(stop)
    end_with_supervisor(ask_to_end)


def _settles() -> bool:
    gate = getattr(application.state, "gate", None)
    return gate is not None and gate.is_settling


async def _migrate() -> None:
    from storage import migrate  # noqa: PLC0415  # the runner has no database

    await migrate(settings.ledger_url())


def _run_chains() -> None:
    """Start the local chains unless they stand already; they end with this process."""
    try:
        from sandbox.chains import ensure_running  # noqa: PLC0415  # never ships
        from sandbox.process import SandboxError  # noqa: PLC0415  # never ships
    except ModuleNotFoundError:
        sys.exit("A bento has no sandbox. Set CLEARCANVAS_PROFILE to testnet or mainnet.")
    urls = [rail.rpc_url.get_secret_value() for rail in (settings.x402, settings.mpp) if rail.rpc_url]
    try:
        ensure_running(*urls)
    except SandboxError as error:
        sys.exit(str(error))
