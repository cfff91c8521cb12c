"""Where `bentoml serve` and `bentoml build` begin: the two BentoML services, and the door between BentoML and our app.

Three kinds of processes import this file: the supervisor, the runner and the API workers. Only API workers sell, so
only they load the rooms behind `composition`.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, chdir
from functools import partial
from importlib import import_module
from typing import Any, cast

import bentoml
import structlog
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from bento_process import ROOT, prepare, prove_backend, runner_service, runner_token
from config import is_for_sellers, load, runner_faults
from errors import ServiceError
from models.manifest import ModelError, ModelManifest
from models.served import check_weights, may_be_sold
from process_end import ask_to_end, end_after, end_with_supervisor, on_first_signal
from runner_environment import is_worker_of, keep_from
from runners.client import Runner, RunnerClient
from runners.connection import RunnerConnection
from runners.drain import end_service
from runners.fleet import RunnerFleet
from runners.matting import NAME
from runners.protocol import RunnerProtocol

log = structlog.get_logger("service")

FAR_OFF_S = 10**6
"""BentoML's own timeout would cancel a sale and answer 504 in a form of its own; ours are shorter and know better."""


def _protocol(**named: Any) -> asyncio.Protocol:
    """The HTTP of one connection: what cannot be read of it is answered with a problem, where buyers may see it."""
    if server_context.service_name == NAME:
        return RunnerProtocol(**named)
    from api.http.protocol import ClientProtocol  # noqa: PLC0415  # only API workers serve buyers

    return ClientProtocol(**named)


# The runner needs no rules about money, and is not told what they ask for.
read = partial(load, rules=runner_faults) if is_worker_of(NAME) else load
settings, manifests = prepare(read, _protocol)
if server_context.worker_index is None:
    keep_from(NAME, is_for_sellers)

MattingRunner = runner_service(settings, manifests)


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with AsyncExitStack() as stack:
        try:
            await _open(app, stack)
        except Exception:
            log.exception("start_failed")  # of what the server logs of it, only the first line is kept
            raise
        yield


async def _open(app: Starlette, stack: AsyncExitStack) -> None:
    """Open everything that sells, and mount it; the stack closes it."""
    runner = await _runner(stack)
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


async def _runner(stack: AsyncExitStack) -> Runner:
    """The runners that the operator has named, or the one that the supervisor has started."""
    if settings.runner.addresses:
        fleet = RunnerFleet(settings.runner.addresses, token=runner_token(settings))
        return await stack.enter_async_context(fleet)
    return await stack.enter_async_context(RunnerConnection(_own_runner()))


def _client(runner: Runner, manifest: ModelManifest) -> RunnerClient:
    timeout_s = settings.runner.timeout_s
    model = f"{manifest.name}@{manifest.version}"
    return RunnerClient(runner, model=model, size=manifest.input.size, timeout_s=timeout_s)


def _own_runner() -> str:
    """Where the supervisor has put it: `bentoml.depends` would wrap it into a client that pickles pictures."""
    address = BentoMLContainer.remote_runner_mapping.get().get(NAME)
    if address is None:
        end_service("There is no runner. Set CLEARCANVAS_RUNNER__ADDRESSES=http://host:port, or use `bentoml serve`.")
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

    if not settings.runner.addresses:
        # So that the supervisor starts it; it is reached by `_own_runner`.
        runner = bentoml.depends(MattingRunner)

    def __init__(self) -> None:
        from api.http.limits import ConnectionLimits, raise_descriptor_limit  # noqa: PLC0415  # the same
        from api.http.open_connections import OpenConnections  # noqa: PLC0415  # the same
        from api.http.protocol import ClientProtocol  # noqa: PLC0415  # only this process serves buyers

        if not settings.runner.addresses:
            _own_runner()  # else BentoML would load the network into this process
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
        sys.path.insert(0, str(ROOT))  # serving a bento, BentoML has taken it out again by now
        try:
            if not settings.runner.addresses:
                check_weights(manifests)
                prove_backend(settings, manifests)
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
