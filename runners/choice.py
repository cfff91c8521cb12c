"""Which backends are tried for a model, and how each is made."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from models import ModelManifest, Precision
from runners.backend import Backend, BackendError, Factory, load_backend
from runners.precisions import WantedPrecision

if TYPE_CHECKING:
    from runners.golden import Golden, Infer
    from runners.tensorrt.backend import Workshop
    from runners.tensorrt.build import Progress

Named = Literal["tensorrt", "cuda", "openvino", "cpu"]
Wanted = Literal["auto"] | Named

ORDER: tuple[Named, ...] = ("tensorrt", "cuda", "cpu")
"""What `auto` tries, the fastest first. OpenVINO is for those who name it: it is an extra, and few need it."""


class Choice:
    """The backends of this machine.

    Attributes:
        order: what is tried.

    Args:
        wanted: "auto" takes the first of `ORDER` that proves itself; a name takes that one or none.
        threads: CPU threads of one inference.
        max_batch: pictures of one inference at most; None where the device decides.
        engines: folder of TensorRT's engines.
        precision: of ONNX Runtime and OpenVINO: "fp32" takes no other of a model's files.
        progress: is told how a build goes.
    """

    def __init__(
        self,
        wanted: Wanted,
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
        """By name. What a factory needs is imported when it is called."""
        return {
            "tensorrt": self._tensorrt,
            "cuda": partial(self._ort, "cuda"),
            "openvino": self._openvino,
            "cpu": partial(self._ort, "cpu"),
        }

    def load(self, manifest: ModelManifest) -> Backend:
        """The first that proves itself; takes minutes where an engine has to be built.

        Raises:
            NoBackend: with every reason, and what to do.
        """
        return load_backend(self.order, manifest, self.factories)

    def load_one(self, name: str, manifest: ModelManifest) -> Backend:
        """The same for one of the order."""
        return load_backend((name,), manifest, self.factories)

    def load_meanwhile(self, manifest: ModelManifest) -> Backend | None:
        """What serves while TensorRT builds: the first of the others that proves itself; None where none was wanted.

        Raises:
            NoBackend: as `load`.
        """
        others = [name for name in self.order if name != "tensorrt"]
        return load_backend(others, manifest, self.factories) if others else None

    def has_to_build(self, manifest: ModelManifest) -> bool:
        """Whether TensorRT is wanted, could run here, and has no engine of the model yet."""
        if "tensorrt" not in self.order:
            return False
        try:
            return not self.workshop.is_built(manifest)
        except BackendError:  # it will be refused at once
            return False

    @cached_property
    def workshop(self) -> "Workshop":
        """What TensorRT's engines are made with. Raises BackendError where they cannot be."""
        from runners.tensorrt.module import tensorrt_module  # noqa: PLC0415  # only a runner needs them

        trt = tensorrt_module()
        try:
            from cuda.bindings import runtime as cudart  # noqa: PLC0415  # as above

            from runners.tensorrt.backend import Workshop  # noqa: PLC0415  # as above
            from runners.tensorrt.cache import EngineCache  # noqa: PLC0415  # as above
            from runners.tensorrt.cuda import CudaDevice  # noqa: PLC0415  # as above
            from runners.tensorrt.losses import Losses  # noqa: PLC0415  # as above
        except ImportError as error:
            raise BackendError(f"{error}. Install requirements/tensorrt.txt or requirements/rtx.txt") from error
        device = CudaDevice(trt, cudart, runtime_cache=self._engines / "rtx-kernels.cache")
        return Workshop(
            trt=trt,
            device=device,
            cache=EngineCache(self._engines, {"driver": device.driver}),
            golden=self._golden,
            losses=Losses(self._engines / "losses.json"),
            max_batch=self._max_batch,
            progress=self._progress,
        )

    def _tensorrt(self, manifest: ModelManifest) -> Backend:
        return self.workshop.backend(manifest)

    def _ort(self, device: str, manifest: ModelManifest) -> Backend:
        from runners.ort_backend import OrtBackend  # noqa: PLC0415  # the other processes need no runtime

        return self._best(
            manifest,
            lambda precision: OrtBackend(manifest, device=device, threads=self._threads, precision=precision),
            device,
        )

    def _openvino(self, manifest: ModelManifest) -> Backend:
        try:
            from runners.openvino_backend import OpenVinoBackend  # noqa: PLC0415  # few have it
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
