"""An API worker: its connections, its shutdown, and the application that it serves."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import ModuleType

import structlog
from starlette.applications import Starlette

from api import SandboxWallet
from api.http import HARD_S, SETTLING_S, ClientProtocol, Drain, OpenConnections, raise_descriptor_limit
from bento_glue import address_of, bypass_bentoml
from concurrency import in_background
from config import Settings
from models import ModelManifest
from process_end import ask_to_end, end_after, end_with_supervisor, on_first_signal
from runner_composition import runner_token
from runners.client import Runner, RunnerClient, RunnerConnection, RunnerFleet
from runners.matting import NAME, stop_service

log = structlog.get_logger(__name__)


class ApiWorker:
    """Must be created in the running event loop, before the server accepts connections."""

    def __init__(self, settings: Settings, manifests: Sequence[ModelManifest]) -> None:
        self._settings, self._manifests = settings, tuple(manifests)
        self._own_runner = None if settings.runner.addresses else _own_runner()
        raise_descriptor_limit()
        ClientProtocol.open = OpenConnections(settings.connections, settings.trusted_proxies)
        self._drain = Drain(ClientProtocol.open)
        self._application: Starlette | None = None
        on_first_signal(self._stop, delay_s=settings.connections.announce_stop_s)
        end_with_supervisor(ask_to_end)

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[None]:
        """Serve while the block runs; then close everything in reverse order."""
        async with AsyncExitStack() as stack:
            try:
                application = await self._open(stack)
            except Exception:
                log.exception("start_failed")  # the server logs only its first line
                raise
            self._application, self._drain.cut_short = application, application.state.gate.cut_short
            bypass_bentoml(application, ClientProtocol)
            yield

    async def _open(self, stack: AsyncExitStack) -> Starlette:
        runner = await stack.enter_async_context(self._runner())
        clients = [self._client(runner, manifest) for manifest in self._manifests]
        for client in clients:
            await stack.enter_async_context(in_background(client.keep_polling()))
        composition = await asyncio.to_thread(load_composition)
        models = list(zip(self._manifests, clients, strict=True))
        composed = composition.compose(self._settings, models, _sandbox_wallet(self._settings))
        application: Starlette = await stack.enter_async_context(composed)
        return application

    def _runner(self) -> AbstractAsyncContextManager[Runner]:
        """The configured runners, or the one that the supervisor has started."""
        if self._own_runner is None:
            return RunnerFleet(self._settings.runner.addresses, token=runner_token(self._settings))
        return RunnerConnection(self._own_runner)

    def _client(self, runner: Runner, manifest: ModelManifest) -> RunnerClient:
        model = f"{manifest.name}@{manifest.version}"
        timeout_s = self._settings.runner.timeout_s
        return RunnerClient(runner, model=model, size=manifest.input.size, timeout_s=timeout_s)

    def _stop(self) -> None:
        """Start the shutdown, with a time limit."""
        if self._application is not None:
            self._application.state.readiness.stopping = True
        self._drain.begin()
        end_after(HARD_S, unless=self._is_settling, at_most_s=SETTLING_S)

    def _is_settling(self) -> bool:
        return self._application is not None and bool(self._application.state.gate.is_settling)


def load_composition() -> ModuleType:
    """Load payments and their SDKs, which takes seconds: in a thread, while the runner starts."""
    import composition  # noqa: PLC0415  # see above

    return composition


def _own_runner() -> str:
    address = address_of(NAME)
    if address is None:  # otherwise BentoML would load the network into this process
        stop_service("There is no runner. Set CLEARCANVAS_RUNNER__ADDRESSES=http://host:port, or use `bentoml serve`.")
    return address


def _sandbox_wallet(settings: Settings) -> SandboxWallet | None:
    """The sandbox's buyer for the page `/try`; None in other profiles, and if it was not built."""
    if settings.profile != "sandbox":
        return None
    from sandbox.accounts import BUYER  # noqa: PLC0415  # never ships
    from sandbox.browser_wallet import load  # noqa: PLC0415  # never ships

    script, rails = load(), settings.enabled_rails()
    rpc_urls = {info.name: section.rpc_urls()[0] for info, section in rails if info.test_wallet_calls_node}
    return SandboxWallet(BUYER.address, BUYER.key, rpc_urls, script) if script else None
