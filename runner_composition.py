"""The composition root of the runner: settings → the BentoML service `MattingRunner`."""

import subprocess
import sys
from typing import Any

import bentoml

from config import Settings
from models import ModelManifest
from process_start import ROOT
from runners.matting import matting_runner


def compose_runner(
    settings: Settings, manifests: tuple[ModelManifest, ...], *, listen: tuple[str, int] | None = None
) -> bentoml.Service[Any]:
    """The BentoML service of the runner; `listen` is host and port of a runner on its own host."""
    runner = settings.runner
    return matting_runner(
        manifests,
        backend=runner.backend,
        precision=runner.precision,
        threads=runner.threads,
        engines=ROOT / runner.engines_folder,
        max_batch_size=None if runner.max_batch_size == "auto" else runner.max_batch_size,
        # Each API worker accepts images up to this wait, before it knows of those that the others accepted.
        max_wait_s=2 * runner.max_wait_s,
        timeout_s=runner.timeout_s,
        listen=listen,
        token=runner_token(settings),
    )


def runner_token(settings: Settings) -> str | None:
    """The secret that API workers and runner share; None if none is configured."""
    return settings.runner.token.get_secret_value() if settings.runner.token else None


def prove_backend(settings: Settings, manifests: tuple[ModelManifest, ...]) -> None:
    """Exit if the configured backend cannot run every model. A subprocess checks it: this process would hold the
    device for the service's lifetime."""
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
        sys.exit(f"CLEARCANVAS_RUNNER__BACKEND={runner.backend} cannot be used.\n{found.stderr.strip()}")
