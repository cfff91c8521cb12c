"""TensorRT as a backend: the first precision whose engine can be built and passes the gate."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Literal

import numpy as np
import structlog

from models import Gate, ModelManifest
from runners.backend import BackendError, OutOfMemory, Pixels
from runners.golden import DEFAULT_GATE, Distance, GateFailed, Golden
from runners.tensorrt.build import OPTIMISATION, BuildSpec, BuiltEngine, Progress, build, parsed
from runners.tensorrt.cache import EngineCache, EngineKey
from runners.tensorrt.device import Device, DeviceLost, Engine, PlanRefused
from runners.tensorrt.device_losses import DeviceLosses
from runners.tensorrt.graph import parseable

log = structlog.get_logger(__name__)

EnginePrecision = Literal["fp16", "tf32", "fp32"]
"""tf32: fp32 whose convolutions may round their factors to 10 bits of mantissa, which an older GPU does not."""


class TensorRtBackend:
    """`Backend` over one engine.

    Attributes:
        distance: difference of the golden images' alphas from fp32 on the CPU.

    Args:
        lost: called with the reason when the device is lost; it must end the process.
    """

    device = "cuda"

    def __init__(
        self, engine: Engine, *, name: str, size: int, max_batch: int, distance: Distance, lost: Callable[[str], None]
    ) -> None:
        self.name, self.distance = name, distance
        self.max_batch: int | None = max_batch
        self._limit = max_batch
        self._engine, self._lost = engine, lost
        self._shape = (size, size, 3)

    def infer(self, images: Pixels) -> Pixels:
        """As `Backend.infer`; more images than the engine's limit run in several batches."""
        if images.dtype != np.uint8 or images.shape[1:] != self._shape:
            raise BackendError(f"images must be uint8 [N, {self._shape}], not {images.dtype} {images.shape}")
        parts = [images[start : start + self._limit] for start in range(0, len(images), self._limit)]
        try:
            return np.concatenate([self._engine(part) for part in parts])
        except DeviceLost as error:
            self._lost(str(error))
            raise

    def close(self) -> None:
        """Release the device's memory."""
        self._engine.close()


@dataclass(frozen=True)
class EngineFactory:
    """Builds, caches and checks engines.

    Attributes:
        trt: `tensorrt` or `tensorrt_rtx`.
        golden: gives a model's golden images.
        losses: records that the device was lost and tensor_names the process.
        max_batch: maximum images per run; None: `default_limit`.
        progress: receives the build progress.
    """

    trt: ModuleType
    device: Device
    cache: EngineCache
    golden: Callable[[ModelManifest], Golden]
    losses: DeviceLosses
    max_batch: int | None = None
    progress: Progress | None = None

    def backend(self, manifest: ModelManifest) -> TensorRtBackend:
        """The fastest precision that passes its gate; takes minutes if an engine must be built.

        Raises:
            BackendError: no precision passes, or the device was lost too often; the message lists the reasons.
        """
        self.losses.check()
        refusals = []
        for precision, content, gate in precisions(manifest):
            try:
                return self._with_memory_fallback(manifest, precision, content, gate)
            except BackendError as refusal:
                log.warning("precision_refused", model=manifest.label, precision=precision, reason=str(refusal))
                refusals.append(f"{precision}: {refusal}")
        raise BackendError("; ".join(refusals))

    def key(self, manifest: ModelManifest, precision: EnginePrecision, content: bytes) -> EngineKey:
        """The cache key of this graph's engine."""
        recipe = self._recipe(manifest, precision, content)
        return EngineKey(
            graph=hashlib.sha256(recipe.content).hexdigest(),
            package=f"{self.trt.__name__} {self.trt.__version__}",
            gpu=self.device.name,
            capability=self.device.capability,
            precision=precision,
            size=recipe.size,
            batches=recipe.batches,
            optimisation=OPTIMISATION,
        )

    def parse(self, manifest: ModelManifest) -> None:
        """Parse the graph of the first precision; takes less than a second. Raises BackendError if that fails."""
        precision, content, _ = next(precisions(manifest))
        parsed(self.trt, self._recipe(manifest, precision, content))

    def forget(self, manifest: ModelManifest) -> None:
        """Remove the model's engines and their recorded rejections."""
        for precision, content, _ in precisions(manifest):
            self.cache.forget(self.key(manifest, precision, content))

    def facts(self, manifest: ModelManifest, name: str) -> dict[str, object]:
        """The recorded facts about the engine of the backend with this name."""
        keys = [self.key(manifest, precision, content) for precision, content, _ in precisions(manifest)]
        return next((self.cache.sidecar(key) for key in keys if name == f"tensorrt-{key.precision}"), {})

    def is_built(self, manifest: ModelManifest) -> bool:
        """Whether the engine of the first precision is cached, so that `backend` takes seconds."""
        precision, content, _ = next(precisions(manifest))
        return bool(self.cache.sidecar(self.key(manifest, precision, content)).get("sha256"))

    def _with_memory_fallback(
        self, manifest: ModelManifest, precision: EnginePrecision, content: bytes, gate: Gate
    ) -> TensorRtBackend:
        """The checked backend; halves the batch limit until it fits into memory."""
        try:
            return self._checked_backend(manifest, precision, content, gate)
        except DeviceLost as error:
            self.losses.end(str(error))
            raise
        except OutOfMemory as error:
            most = self._recipe(manifest, precision, content).max_batch // 2
            if not most:
                raise
            log.warning("engine_limit_lowered", model=manifest.label, limit=most, reason=str(error))
            return replace(self, max_batch=most)._with_memory_fallback(manifest, precision, content, gate)

    def _checked_backend(
        self, manifest: ModelManifest, precision: EnginePrecision, content: bytes, gate: Gate
    ) -> TensorRtBackend:
        key = self.key(manifest, precision, content)
        engine = self._open_engine(key, self._recipe(manifest, precision, content), manifest)
        limit = key.batches[2]
        try:
            distance = self.golden(manifest).check(engine, gate, tuple({1, limit}))
        except BackendError as refusal:
            engine.close()
            if isinstance(refusal, GateFailed):
                self.cache.refuse(key, str(refusal))
            raise
        self.cache.note(key, golden=str(distance))
        return TensorRtBackend(
            engine,
            name=f"tensorrt-{precision}",
            size=key.size,
            max_batch=limit,
            distance=distance,
            lost=self.losses.end,
        )

    def _open_engine(self, key: EngineKey, recipe: BuildSpec, manifest: ModelManifest) -> Engine:
        """The engine; a plan that cannot be read is rebuilt once."""

        def made(timing: bytes) -> BuiltEngine:
            return build(self.trt, recipe, timing_cache=timing, progress=self.progress)

        def opened(plan: bytes) -> Engine:
            tensor_names = {"input": manifest.input.name, "output": manifest.output.name}
            return self.device.open(plan, **tensor_names, size=recipe.size, max_batch=recipe.max_batch)

        plan = self.cache.obtain(key, made)
        try:
            return opened(plan)
        except PlanRefused as refusal:
            self.cache.quarantine(key, plan, str(refusal))
        return opened(self.cache.obtain(key, made))

    def _recipe(self, manifest: ModelManifest, precision: EnginePrecision, content: bytes) -> BuildSpec:
        size = manifest.input.size
        most = 1 if manifest.batch == "one" else self.max_batch or default_limit(size)
        return BuildSpec(content, manifest.input.name, size, most, tf32=precision != "fp32")


def default_limit(size: int) -> int:
    """Default maximum images per run: 32 at 384 px, fewer at larger sizes because of memory."""
    return max(1, min(32, 32 * 384**2 // size**2))


def precisions(manifest: ModelManifest) -> Iterator[tuple[EnginePrecision, bytes, Gate]]:
    """The graphs to try, fastest first, each with its gate."""
    half = manifest.variants.get("fp16")
    if half is not None and half.file is not None:
        yield "fp16", parseable(manifest.weights("fp16")), half.gate
    content = parseable(manifest.weights())
    yield "tf32", content, DEFAULT_GATE
    yield "fp32", content, DEFAULT_GATE
