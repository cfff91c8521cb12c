"""The models of a runner with their backends: loaded at start, moved to a faster backend when its engine is built."""

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

import structlog

from models import ModelManifest
from runners.app import ServedModel
from runners.backend import Backend, BackendError, Pixels
from runners.batch_durations import BatchDurations
from runners.batch_limit import batch_limit
from runners.batcher import Batcher
from runners.choice import BackendChoice
from telemetry import BACKEND, BATCH_SIZE, INFERENCE_SECONDS

log = structlog.get_logger(__name__)

_POLL_S = 0.1
_NO_BACKEND = "No backend can run this model; see engine_build_failed in the runner's log."


class ServedModels:
    """Loads models without waiting for engine builds.

    While TensorRT builds an engine, the next backend serves; without one, the model reports a fault.

    Attributes:
        by_name: the models as served now; an entry is replaced when a faster backend is ready.
        building: the thread that builds engines.

    Args:
        max_batch: images per inference; None: measured.
        max_wait_s: maximum queued work per model in seconds.
        grace_s: seconds for which a replaced backend is kept.

    Raises:
        NoBackend: none of the backends can run one of the models.
    """

    def __init__(
        self,
        manifests: Sequence[ModelManifest],
        choice: BackendChoice,
        *,
        max_batch: int | None,
        max_wait_s: float,
        grace_s: float = 5.0,
    ) -> None:
        self._choice, self._max_batch = choice, max_batch
        self._max_wait_s, self._grace_s = max_wait_s, grace_s
        self._backends: dict[str, Backend] = {}
        self.by_name: dict[str, ServedModel] = {}
        pending = [manifest for manifest in manifests if not self._load(manifest)]
        # Sequentially: TensorRT times kernels on the device, and parallel builds would disturb the timing.
        self.building = Thread(target=self._build, args=(pending,), name="engines", daemon=True)
        self.building.start()

    def batchers(self) -> list[Batcher]:
        """The batchers of all models, as served now."""
        return [model.batcher for model in self.by_name.values()]

    def close(self) -> None:
        """Stop all batchers and release the devices."""
        for model in self.by_name.values():
            model.batcher.close()
        for backend in self._backends.values():
            backend.close()

    def _load(self, manifest: ModelManifest) -> bool:
        """Load a model. Returns whether it already runs on its final backend."""
        if not self._choice.needs_engine_build(manifest):
            self._serve(manifest, self._choice.load(manifest))
            return True
        building = _BuildInProgress()
        if interim := self._choice.load_interim(manifest):
            self._serve(manifest, interim, building)
        else:
            batcher = Batcher(_no_backend, limit=1, max_wait_s=self._max_wait_s)
            model = ServedModel(manifest.input.size, "none", batcher, fault=building.fault)
            self.by_name[manifest.name] = model
        return False

    def _build(self, manifests: Sequence[ModelManifest]) -> None:
        for manifest in manifests:
            try:
                self._replace(manifest, self._choice.load_one("tensorrt", manifest))
            except BackendError as error:
                self._mark_failed(manifest, str(error))
            except Exception:
                # Otherwise the model would report a build in progress forever.
                log.exception("engine_build_crashed", model=manifest.label)
                self._mark_failed(manifest, "see engine_build_crashed")

    def _replace(self, manifest: ModelManifest, backend: Backend) -> None:
        before, old = self.by_name[manifest.name], self._backends.get(manifest.name)
        self._serve(manifest, backend)
        BACKEND.labels(manifest.name, before.backend).set(0)
        log.info("backend_replaced", model=manifest.label, before=before.backend, backend=backend.name)
        time.sleep(self._grace_s)  # for requests on their way to the old batcher
        while not before.batcher.is_idle:
            time.sleep(_POLL_S)
        before.batcher.close()
        if old is not None:
            old.close()

    def _mark_failed(self, manifest: ModelManifest, reason: str) -> None:
        log.error("engine_build_failed", model=manifest.label, reason=reason)
        before = self.by_name[manifest.name]
        fault = None if manifest.name in self._backends else _NO_BACKEND
        note = None if fault else "TensorRT was rejected; see engine_build_failed in the runner's log"
        self.by_name[manifest.name] = replace(before, fault=lambda: fault, note=lambda: note)

    def _serve(self, manifest: ModelManifest, backend: Backend, building: "_BuildInProgress | None" = None) -> None:
        durations, size = BatchDurations(), manifest.input.size
        limit = batch_limit(backend, size, self._max_batch, durations)
        batcher = Batcher(
            _MeteredBackend(manifest.name, backend), limit=limit, max_wait_s=self._max_wait_s, durations=durations
        )
        more = {} if building is None else {"note": building.note}
        self._backends[manifest.name] = backend
        self.by_name[manifest.name] = ServedModel(size, backend.name, batcher, **more)
        BACKEND.labels(manifest.name, backend.name).set(1)


class _BuildInProgress:
    """Reports for how long an engine build has been running."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def fault(self) -> str:
        return f"The matting runner is building the engine ({self._seconds} s elapsed)."

    def note(self) -> str:
        return f"the TensorRT engine is being built ({self._seconds} s elapsed)"

    @property
    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)


def _no_backend(_: Pixels) -> Pixels:
    raise BackendError("the engine is not built yet")


class _MeteredBackend:
    """A backend with metrics: batch sizes and inference times."""

    def __init__(self, model: str, backend: Backend) -> None:
        self._model, self._backend = model, backend

    def __call__(self, images: Pixels) -> Pixels:
        BATCH_SIZE.labels(self._model).observe(len(images))
        with INFERENCE_SECONDS.labels(self._model).time():
            return self._backend.infer(images)
