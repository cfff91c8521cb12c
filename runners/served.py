"""The models of a runner, each on its backend: loaded at the start, and put on a better one when that is ready."""

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

import structlog

from models import ModelManifest
from runners.app import ServedModel
from runners.backend import Backend, BackendError, Pixels
from runners.batch_limit import batch_limit
from runners.batcher import Batcher
from runners.choice import Choice
from runners.pace import Pace
from telemetry import BACKEND, BATCH_SIZE, INFERENCE_SECONDS

log = structlog.get_logger(__name__)

_LOOK_EVERY_S = 0.1
_NOT_RUN = "No backend can run this model; the runner's log says why at engine_not_built."


class ServedModels:
    """Loads models, and never waits for an engine that has to be built.

    While TensorRT builds one, the next backend of the choice serves; where there is none, the model is out and says so.

    Attributes:
        by_name: what serves at the moment; an entry is replaced when a better backend is ready.
        building: the thread that builds.

    Args:
        max_batch: pictures per inference; None: as many as gain something.
        max_wait_s: seconds of work that may wait for one model.
        grace_s: for which a backend that was replaced is kept.

    Raises:
        NoBackend: no backend of the choice can run one of the models.
    """

    def __init__(
        self,
        manifests: Sequence[ModelManifest],
        choice: Choice,
        *,
        max_batch: int | None,
        max_wait_s: float,
        grace_s: float = 5.0,
    ) -> None:
        self._choice, self._max_batch = choice, max_batch
        self._max_wait_s, self._grace_s = max_wait_s, grace_s
        self._backends: dict[str, Backend] = {}
        self.by_name: dict[str, ServedModel] = {}
        late = [manifest for manifest in manifests if not self._load(manifest)]
        # One after the other: kernels are timed on the device, and builds side by side would time each other.
        self.building = Thread(target=self._build, args=(late,), name="engines", daemon=True)
        self.building.start()

    def batchers(self) -> list[Batcher]:
        """Of all models, as they are served at the moment."""
        return [model.batcher for model in self.by_name.values()]

    def close(self) -> None:
        """Take no more pictures, and give the devices back."""
        for model in self.by_name.values():
            model.batcher.close()
        for backend in self._backends.values():
            backend.close()

    def _load(self, manifest: ModelManifest) -> bool:
        """Whether the model is on the backend that it shall be on."""
        if not self._choice.has_to_build(manifest):
            self._serve(manifest, self._choice.load(manifest))
            return True
        building = _Building()
        if meanwhile := self._choice.load_meanwhile(manifest):
            self._serve(manifest, meanwhile, building)
        else:
            batcher = Batcher(_nothing, limit=1, max_wait_s=self._max_wait_s)
            model = ServedModel(manifest.input.size, "none", batcher, fault=building.fault)
            self.by_name[manifest.name] = model
        return False

    def _build(self, manifests: Sequence[ModelManifest]) -> None:
        for manifest in manifests:
            try:
                self._replace(manifest, self._choice.load_one("tensorrt", manifest))
            except BackendError as error:
                self._give_up(manifest, str(error))
            except Exception:
                # The model must not be said to be in the making for ever.
                log.exception("engine_build_broke", model=manifest.label)
                self._give_up(manifest, "see engine_build_broke")

    def _replace(self, manifest: ModelManifest, backend: Backend) -> None:
        before, old = self.by_name[manifest.name], self._backends.get(manifest.name)
        self._serve(manifest, backend)
        BACKEND.labels(manifest.name, before.backend).set(0)
        log.info("backend_replaced", model=manifest.label, before=before.backend, backend=backend.name)
        time.sleep(self._grace_s)  # for pictures on their way to the old batcher
        while not before.batcher.is_idle:
            time.sleep(_LOOK_EVERY_S)
        before.batcher.close()
        if old is not None:
            old.close()

    def _give_up(self, manifest: ModelManifest, reason: str) -> None:
        log.error("engine_not_built", model=manifest.label, reason=reason)
        before = self.by_name[manifest.name]
        fault = None if manifest.name in self._backends else _NOT_RUN
        note = None if fault else "TensorRT was refused, the runner's log says why at engine_not_built"
        self.by_name[manifest.name] = replace(before, fault=lambda: fault, note=lambda: note)

    def _serve(self, manifest: ModelManifest, backend: Backend, building: "_Building | None" = None) -> None:
        pace, size = Pace(), manifest.input.size
        limit = batch_limit(backend, size, self._max_batch, pace)
        batcher = Batcher(_Counted(manifest.name, backend), limit=limit, max_wait_s=self._max_wait_s, pace=pace)
        more = {} if building is None else {"note": building.note}
        self._backends[manifest.name] = backend
        self.by_name[manifest.name] = ServedModel(size, backend.name, batcher, **more)
        BACKEND.labels(manifest.name, backend.name).set(1)


class _Building:
    """Says for how long an engine has been in the making."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def fault(self) -> str:
        return f"The matting runner is building the engine, {self._seconds} s."

    def note(self) -> str:
        return f"TensorRT's engine is being built, {self._seconds} s"

    @property
    def _seconds(self) -> int:
        return round(time.monotonic() - self._began)


def _nothing(_: Pixels) -> Pixels:
    raise BackendError("the engine is not built yet")


class _Counted:
    """A backend whose batches are counted and timed."""

    def __init__(self, model: str, backend: Backend) -> None:
        self._model, self._backend = model, backend

    def __call__(self, images: Pixels) -> Pixels:
        BATCH_SIZE.labels(self._model).observe(len(images))
        with INFERENCE_SECONDS.labels(self._model).time():
            return self._backend.infer(images)
