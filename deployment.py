"""The tasks once per start, before any worker runs: check weights and backend, migrate the database, start the
sandbox's chains."""

import asyncio
import sys
from contextlib import chdir

import structlog

from bento_glue import counts_folder
from config import Settings
from errors import ServiceError
from metrics_server import serve_metrics
from models import ModelError, ModelManifest, check_weights, may_be_sold
from process_start import ROOT
from runner_composition import prove_backend

log = structlog.get_logger(__name__)


def prepare_deployment(settings: Settings, manifests: tuple[ModelManifest, ...]) -> None:
    """Prepare everything that the API workers need; on failure end this process with the reason."""
    sys.path.insert(0, str(ROOT))  # BentoML has removed a bento's source folder from it by now
    try:
        if not settings.runner.addresses:
            prepare_runner(settings, manifests)
        with chdir(ROOT):  # the workers' folder, to which a relative path of the database refers
            asyncio.run(_migrate(settings.ledger_url()))
    except ServiceError as error:
        sys.exit(error.detail)
    _serve_metrics(settings)
    for manifest in manifests:
        _tell_licences(manifest, settings)
    if settings.profile == "sandbox":
        _run_chains(settings)


def _tell_licences(manifest: ModelManifest, settings: Settings) -> None:
    if not may_be_sold(manifest):
        log.warning("model_forbids_commercial_use", model=manifest.label, licence=manifest.licence)
    if manifest.unclear_data and manifest.provenance and settings.profile != "sandbox":
        log.warning(
            "training_data_without_commercial_licence",
            model=manifest.label,
            data=list(manifest.unclear_data),
            alternative=manifest.provenance.permissive,
            page="docs/model-card.md",
        )


def _serve_metrics(settings: Settings) -> None:
    if settings.metrics_port is None:
        return
    try:
        serve_metrics(settings.metrics_port, settings.metrics_networks, counts_folder())
    except OSError as error:
        sys.exit(f"CLEARCANVAS_METRICS_PORT={settings.metrics_port} cannot be used: {error.strerror}.")


def prepare_runner(settings: Settings, manifests: tuple[ModelManifest, ...]) -> None:
    """Check weights and backend here, because a worker that fails on them would be restarted in a loop."""
    try:
        check_weights(manifests)
    except ModelError as error:
        sys.exit(str(error))
    prove_backend(settings, manifests)


async def _migrate(url: str) -> None:
    from storage import migrate  # noqa: PLC0415  # the runner has no database

    await migrate(url)


def _run_chains(settings: Settings) -> None:
    """Start the local chains unless they are running; they end with this process."""
    try:
        from sandbox.browser_wallet import build as build_wallet  # noqa: PLC0415  # never ships
        from sandbox.chains import ensure_running  # noqa: PLC0415  # never ships
        from sandbox.process import SandboxError  # noqa: PLC0415  # never ships
    except ModuleNotFoundError:
        sys.exit("A bento has no sandbox. Set CLEARCANVAS_PROFILE to testnet or mainnet.")
    urls = [rail.rpc_url.get_secret_value() for _, rail in settings.rails() if rail.rpc_url]
    try:
        ensure_running(*urls)
        if build_wallet() is None:
            log.warning("sandbox_wallet_missing", effect="the page /try offers no test wallet", remedy="make setup")
    except SandboxError as error:
        sys.exit(str(error))
