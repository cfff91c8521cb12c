"""Selects a model's precision on one runtime: the first that the device accelerates and that passes its gate."""

from collections.abc import Callable
from typing import TypeVar

import structlog

from models import Gate, ModelManifest, Precision
from runners.backend import Backend, BackendError
from runners.golden import Golden
from runners.precisions import WantedPrecision, has_vnni, precisions_for

log = structlog.get_logger(__name__)

AnyBackend = TypeVar("AnyBackend", bound=Backend)


def best_backend(
    manifest: ModelManifest,
    make: Callable[[Precision], AnyBackend],
    *,
    device: str,
    golden: Callable[[ModelManifest], Golden],
    wanted: WantedPrecision = "auto",
    vnni: Callable[[], bool] = has_vnni,
) -> AnyBackend:
    """The backend with the first precision that runs and is close enough to fp32; rejections are logged.

    Args:
        make: builds a backend for a precision.
        golden: gives the golden images with the model's fp32 alphas; called only if there is a choice.
        device, vnni: as for `precisions_for`.

    Raises:
        BackendError: fp32 cannot run either.
    """
    for precision in precisions_for(device, manifest, vnni=vnni) if wanted == "auto" else ():
        if precision != "fp32":
            try:
                return _within_gate(make(precision), golden(manifest), manifest.variants[precision].gate)
            except BackendError as refusal:
                log.warning("precision_refused", precision=precision, model=manifest.label, reason=str(refusal))
    return make("fp32")


def _within_gate(backend: AnyBackend, golden: Golden, gate: Gate) -> AnyBackend:
    try:
        distance = golden.check(backend.infer, gate, (1,))
    except BackendError:
        backend.close()
        raise
    log.info("precision_accepted", backend=backend.name, distance=str(distance))
    return backend
