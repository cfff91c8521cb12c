"""Which backends are tried for a model, and how each is built."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models import ModelManifest, Precision
from runners.backend import Backend, BackendError, Factory, load_backend
from runners.precisions import WantedPrecision

if TYPE_CHECKING:
    from runners.golden import Golden, Infer
    from runners.tensorrt.backend import EngineFactory
    from runners.tensorrt.build import Progress

BackendName = Literal["tensorrt", "cuda", "openvino", "cpu"]
BackendSetting = Literal["auto"] | BackendName

ORDER: tuple[BackendName, ...] = ("tensorrt", "cuda", "cpu")
"""What `auto` tries, fastest first. OpenVINO is an optional extra and must be named explicitly."""


class BackendChoice:
    """Builds the backends of this machine.

    Attributes:
        order: the backends to try.

    Args:
        wanted: "auto" selects the first of `ORDER` that passes the probe; a name selects only that one.
        threads: CPU threads of one inference.
        max_batch: maximum images per inference; None: measured on the device.
        engines: folder of TensorRT's engines.
        precision: for ONNX Runtime and OpenVINO: "fp32" uses only the fp32 file of a model.
        progress: receives the build progress.
    """

    def __init__(
        self,
        wanted: BackendSetting,
        *,
        threads: int,
        max_batch: int | None = None,
        engines: Path,
        precision: WantedPrecision = "auto",
        progress: "Progress | None" = None,
    ) -> None:
        self.order: tuple[str, ...] = ORDER if wanted == "auto" else (wanted,)
        self._threads, self._max_batch = threads, max_batch
        self._engines, self._precision, self._progress = engines, precision, progress

    @cached_property
    def factories(self) -> Mapping[str, Factory]:
        """By name. A factory imports its dependencies when it is called."""
        return {
            "tensorrt": self._tensorrt,
            "cuda": partial(self._ort, "cuda"),
            "openvino": self._openvino,
            "cpu": partial(self._ort, "cpu"),
        }

    def load(self, manifest: ModelManifest) -> Backend:
        """The first that passes the probe; takes minutes if an engine must be built.

        Raises:
            NoBackend: the message lists every reason and its remedy.
        """
        return load_backend(self.order, manifest, self.factories)

    def load_one(self, name: str, manifest: ModelManifest) -> Backend:
        """Like `load`, for one backend."""
        return load_backend((name,), manifest, self.factories)

    def load_interim(self, manifest: ModelManifest) -> Backend | None:
        """What serves while TensorRT builds: the first other backend that passes; None without another one.

        Raises:
            NoBackend: as `load`.
        """
        others = [name for name in self.order if name != "tensorrt"]
        return load_backend(others, manifest, self.factories) if others else None

    def needs_engine_build(self, manifest: ModelManifest) -> bool:
        """Whether TensorRT is configured, can run here, and has no engine for the model yet."""
        if "tensorrt" not in self.order:
            return False
        try:
            return not self.engine_factory.is_built(manifest)
        except BackendError:  # `load` will reject it immediately
            return False

    @cached_property
    def engine_factory(self) -> "EngineFactory":
        """Builds TensorRT engines. Raises BackendError if this machine cannot."""
        from runners.tensorrt.module import tensorrt_module  # noqa: PLC0415  # only runners need it

        trt = tensorrt_module()
        try:
            from cuda.bindings import runtime as cudart  # noqa: PLC0415  # as above

            from runners.tensorrt.backend import EngineFactory  # noqa: PLC0415  # as above
            from runners.tensorrt.cache import EngineCache  # noqa: PLC0415  # as above
            from runners.tensorrt.cuda import CudaDevice  # noqa: PLC0415  # as above
            from runners.tensorrt.device_losses import DeviceLosses  # noqa: PLC0415  # as above
        except ImportError as error:
            raise BackendError(f"{error}. Install requirements/tensorrt.txt or requirements/rtx.txt") from error
        device = CudaDevice(trt, cudart, runtime_cache=self._engines / "rtx-kernels.cache")
        return EngineFactory(
            trt=trt,
            device=device,
            cache=EngineCache(self._engines, {"driver": device.driver}),
            golden=self._golden,
            losses=DeviceLosses(self._engines / "losses.json"),
            max_batch=self._max_batch,
            progress=self._progress,
        )

    def _tensorrt(self, manifest: ModelManifest) -> Backend:
        return self.engine_factory.backend(manifest)

    def _ort(self, device: str, manifest: ModelManifest) -> Backend:
        from runners.ort_backend import OrtBackend  # noqa: PLC0415  # only runners need it

        return self._best(
            manifest,
            lambda precision: OrtBackend(manifest, device=device, threads=self._threads, precision=precision),
            device,
        )

    def _openvino(self, manifest: ModelManifest) -> Backend:
        try:
            from runners.openvino_backend import OpenVinoBackend  # noqa: PLC0415  # optional
        except ImportError as error:
            raise BackendError(f"{error}. Install requirements/openvino.txt") from error
        return self._best(
            manifest,
            lambda precision: OpenVinoBackend(manifest, threads=self._threads, precision=precision),
            "cpu",
        )

    def _best(self, manifest: ModelManifest, make: Callable[[Precision], Backend], device: str) -> Backend:
        from runners.best_precision import best_backend  # noqa: PLC0415  # as above

        return best_backend(manifest, make, device=device, golden=self._golden, wanted=self._precision)

    def _golden(self, manifest: ModelManifest) -> "Golden":
        from runners.golden import golden  # noqa: PLC0415  # as above
        from runners.ort_backend import OrtBackend  # noqa: PLC0415  # as above

        def reference() -> "Infer":
            return OrtBackend(manifest, device="cpu", threads=self._threads).infer

        return golden(manifest, reference, self._engines)
