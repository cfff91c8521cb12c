"""What every process of BentoML is told before it serves, and what every entry file begins with."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import bentoml
from bentoml._internal.configuration.containers import BentoMLContainer
from bentoml._internal.context import server_context
from bentoml._internal.utils.analytics.usage_stats import do_not_track
from uvicorn.config import HTTP_PROTOCOLS

from config import ConfigurationError, Settings
from logs import configure_logging, log_uncaught
from memory import bound_arenas
from metrics_folder import own_folder
from models.manifest import MODELS, ModelError, ModelManifest
from models.served import load_served
from process_end import close_other_listeners
from respawn import replace_dead_workers_at_once
from runners.matting import matting_runner

ROOT = Path(__file__).parent


def prepare(
    read: Callable[[], Settings], protocol: Callable[..., asyncio.Protocol]
) -> tuple[Settings, tuple[ModelManifest, ...]]:
    """Set this process up and read what it is to do; end it with all that is wrong with that.

    Args:
        read: gives the settings.
        protocol: the HTTP of one connection, called with what uvicorn gives. BentoML leaves the choice to the server,
            whose own answers what it cannot read with a line of text.
    """
    _tame_bentoml()
    cast(dict[str, Any], HTTP_PROTOCOLS)["auto"] = protocol
    try:
        settings = read()
        folders = MODELS, ROOT / settings.runner.models_folder
        for_money = settings.profile == "mainnet"
        manifests = load_served(settings.model_prices(), *folders, for_money=for_money)
    except (ConfigurationError, ModelError) as error:
        sys.exit(str(error))
    configure_logging(settings.log_level, settings.secrets())
    log_uncaught()
    return settings, manifests


def _tame_bentoml() -> None:
    os.umask(0o077)  # for all processes: ledger, sockets and counts are nobody else's
    # BentoML reports its use to its makers; its command line has asked, and remembers, before it reads this file.
    os.environ["BENTOML_DO_NOT_TRACK"] = "True"
    do_not_track.cache_clear()
    # All services of a user would share one folder of counts, and each start would empty it. The supervisor asks for
    # the folder after it has read the entry file, and hands it to its workers.
    if server_context.worker_index is None:
        counts = own_folder(Path(BentoMLContainer.bentoml_home.get()) / "clearcanvas-metrics")
        BentoMLContainer.prometheus_multiproc_dir.set(str(counts))
        replace_dead_workers_at_once()
    # The server would believe X-Forwarded-For from this machine; whom to believe is our own setting,
    # `trusted_proxies`.
    os.environ["FORWARDED_ALLOW_IPS"] = ""
    # In a container BentoML would not replace a worker that died, and end the whole service instead: it counts on
    # whoever runs the container. A dead runner would take all sales under way with it, and one of two API workers would
    # be missing for ever. The supervisor asks for this when it makes its workers, after it has read the entry file.
    os.environ.pop("BENTOML_CONTAINERIZED", None)
    bound_arenas()
    if server_context.worker_index is not None and "--fd" in sys.argv:
        close_other_listeners(int(sys.argv[sys.argv.index("--fd") + 1]))


def runner_service(
    settings: Settings, manifests: tuple[ModelManifest, ...], *, listen: tuple[str, int] | None = None
) -> bentoml.Service[Any]:
    """The BentoML service of the runner; `listen` is host and port of one that is on a host of its own."""
    runner = settings.runner
    return matting_runner(
        manifests,
        backend=runner.backend,
        precision=runner.precision,
        threads=runner.threads,
        engines=ROOT / runner.engines_folder,
        max_batch_size=None if runner.max_batch_size == "auto" else runner.max_batch_size,
        # API workers take pictures in by this wait, each before it knows of the others: their claims are not in vain.
        max_wait_s=2 * runner.max_wait_s,
        timeout_s=runner.timeout_s,
        listen=listen,
        token=runner_token(settings),
    )


def prove_backend(settings: Settings, manifests: tuple[ModelManifest, ...]) -> None:
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


def runner_token(settings: Settings) -> str | None:
    """The secret that API and runner share, where they have one."""
    return settings.runner.token.get_secret_value() if settings.runner.token else None
