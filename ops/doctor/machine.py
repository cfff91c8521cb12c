"""Checks models and their files, and GPU, backend and engines of this host or the runners on other hosts."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from config import Settings
from models import MODELS, ModelError, ModelManifest, check_weights, load_served, may_be_sold
from payments import Finding, fault, good, warning

ROOT = Path(__file__).parent.parent.parent
_GPU_BACKENDS = ("tensorrt", "cuda")
_VERIFY_S = 300.0


def examine_models(settings: Settings) -> tuple[list[Finding], Sequence[ModelManifest]]:
    """Whether every served model exists and its files match its manifest."""
    folders, names = (MODELS, ROOT / settings.runner.models_folder), settings.model_prices()
    remedy = "Name an existing model or install its files: docs/models.md."
    try:
        manifests = load_served(names, *folders, for_money=settings.is_real)
        if not settings.runner.addresses:  # else the files are where the runners are
            check_weights(manifests)
    except ModelError as error:
        return [fault("model", str(error), remedy, "runner.model", "runner.more_models")], ()
    return [_licence(each) for each in manifests], manifests


def _licence(manifest: ModelManifest) -> Finding:
    says = f"{manifest.label} is complete."
    if may_be_sold(manifest):
        return good("model", says)
    return warning(
        "model", f"{says} Its licence, {manifest.licence}, forbids selling.", "Serve another model on mainnet."
    )


def examine_machine(settings: Settings, manifests: Sequence[ModelManifest]) -> list[Finding]:
    """Checks what runs the models: this host, or the runners that the settings name."""
    if settings.runner.addresses:
        return [_runner(address) for address in settings.runner.addresses]
    gpus = _gpus()
    return [_gpu(settings, gpus), *_engines(settings, has_gpu=bool(gpus)), *_backends(settings, manifests, gpus)]


def _runner(address: str) -> Finding:
    host = urlsplit(address).netloc
    try:
        answer = httpx.get(f"{address}/readyz", timeout=5, trust_env=False)
    except httpx.HTTPError as error:
        remedy = "Check that it runs and that the network allows this host."
        return fault("runner", f"{host} does not answer ({type(error).__name__}).", remedy, "runner.addresses")
    if answer.status_code == 200:
        return good("runner", f"{host} is ready.")
    return fault("runner", f"{host} is not ready: {answer.text[:500]}", "See its log.", "runner.addresses")


def _gpus() -> list[str]:
    """Name, driver and memory of each GPU that this host or container sees."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = ["--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
    ran = subprocess.run([program, *words], capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  # fixed words
    return ran.stdout.strip().splitlines() if ran.returncode == 0 else []


def _gpu(settings: Settings, gpus: Sequence[str]) -> Finding:
    if gpus:
        return good("GPU", "; ".join(gpus))
    if settings.runner.backend in _GPU_BACKENDS:
        remedy = "Pass the GPU to the container (--gpus all), install its driver on the host, or name another backend."
        return fault("GPU", "This host or container sees no GPU.", remedy, "runner.backend")
    return good("GPU", "None; the models run on the CPU.")


def _engines(settings: Settings, *, has_gpu: bool) -> list[Finding]:
    if not has_gpu and settings.runner.backend != "tensorrt":
        return []
    folder = ROOT / settings.runner.engines_folder
    place = next(each for each in (folder, *folder.parents) if each.exists())
    if not os.access(place, os.W_OK | os.X_OK):
        remedy = "It must be a folder that the service's user may write to, preferably on a volume."
        return [fault("engines", f"Engines cannot be written to {folder}.", remedy, "runner.engines_folder")]
    kept = len(list(folder.glob("*.engine")))
    refused = [known["refused"] for known in map(_sidecar, folder.glob("*.json")) if known.get("refused")]
    says = f"{folder} holds {kept} engines."
    if refused:
        remedy = "python -m runners build --force rebuilds them."
        return [warning("engines", f"{says} {len(refused)} failed their check: {refused[0]}", remedy)]
    return [good("engines", says)]


def _sidecar(file: Path) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _backends(settings: Settings, manifests: Sequence[ModelManifest], gpus: Sequence[str]) -> list[Finding]:
    """The backend that the service would use for each model, tried in another process. This builds no engine."""
    if not manifests:
        return []
    runner = settings.runner
    options = {
        "--backend": runner.backend,
        "--precision": runner.precision,
        "--max-batch": runner.max_batch_size,
        "--models-folder": ROOT / runner.models_folder,
        "--engines": ROOT / runner.engines_folder,
    }
    words = [str(word) for option in options.items() for word in option]
    command = [sys.executable, "-m", "runners", "verify", "--quick", *words, *(each.name for each in manifests)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=_VERIFY_S)  # noqa: S603  # ours
    found = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    if ran.returncode:
        says = f"{runner.backend} cannot run the models: {ran.stderr.strip()[-500:]}"
        return [fault("backend", says, "docs/backends.md", "runner.backend")]
    return [_backend(each["model"], each["backend"], gpus) for each in found]


def _backend(model: str, backend: str, gpus: Sequence[str]) -> Finding:
    says = f"{model} would run on {backend}."
    if gpus and backend.startswith(("onnxruntime-cpu", "openvino")):
        return warning("backend", says, "The GPU is not used. Use an image for GPUs (gpu, rtx, tensorrt).")
    return good("backend", says)
