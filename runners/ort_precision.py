"""ONNX Runtime with the best of a model's files: the first that the device is fast in and that passes its gate."""

from collections.abc import Callable

import structlog

from models.manifest import Gate, ModelManifest
from runners.backend import BackendError
from runners.golden import Golden
from runners.ort_backend import OrtBackend
from runners.precisions import WantedPrecision, has_vnni, precisions_for

log = structlog.get_logger(__name__)


def best_backend(
    manifest: ModelManifest,
    *,
    device: str,
    threads: int,
    golden: Callable[[ModelManifest], Golden],
    wanted: WantedPrecision = "auto",
    vnni: Callable[[], bool] = has_vnni,
) -> OrtBackend:
    """The backend of the first precision that runs and is near enough to fp32; why others are not is logged.

    Args:
        device, threads: as `OrtBackend`.
        golden: the golden pictures with the model's fp32 alphas; asked only where there is a choice.
        vnni: as `precisions_for`.

    Raises:
        BackendError: not even fp32 can be run.
    """
    for precision in precisions_for(device, manifest, vnni=vnni) if wanted == "auto" else ():
        if precision != "fp32":
            try:
                backend = OrtBackend(manifest, device=device, threads=threads, precision=precision)
                return _near(backend, golden(manifest), manifest.variants[precision].gate)
            except BackendError as refusal:
                log.warning("precision_refused", precision=precision, model=manifest.label, reason=str(refusal))
    return OrtBackend(manifest, device=device, threads=threads)


def _near(backend: OrtBackend, golden: Golden, gate: Gate) -> OrtBackend:
    try:
        distance = golden.check(backend.infer, gate, (1,))
    except BackendError:
        backend.close()
        raise
    log.info("precision_accepted", backend=backend.name, distance=str(distance))
    return backend
