"""A GPU that is none: it reads plans as a GPU would, and lets ONNX Runtime compute on the CPU what they stand for.

Plans are built by the real TensorRT for RTX, and running one needs a driver. So nothing that is tested with this says
anything of CUDA; it says what is done around it.
"""

from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from threading import Event
from types import ModuleType

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from models.manifest import ModelManifest
from runners.backend import OutOfMemory, Pixels
from runners.choice import BackendChoice, BackendSetting
from runners.golden import golden
from runners.ort_backend import OrtBackend
from runners.tensorrt.backend import EngineFactory
from runners.tensorrt.cache import EngineCache
from runners.tensorrt.device import PlanRefused
from runners.tensorrt.device_losses import DeviceLosses

Change = Callable[[Pixels], Pixels]


def _as_it_is(alphas: Pixels) -> Pixels:
    return alphas


class FakeEngine:
    """Runs a manifest's fp32 weights, and changes what comes out.

    Attributes:
        batches: sizes of the batches so far.
        fails_with: what every run raises.
    """

    def __init__(self, manifest: ModelManifest, max_batch: int, change: Change) -> None:
        self._session = onnxruntime.InferenceSession(manifest.weights(), providers=["CPUExecutionProvider"])
        self._max_batch = max_batch
        self._change = change
        self.fails_with: Exception | None = None
        self.batches: list[int] = []
        self.closed = False

    def __call__(self, images: Pixels) -> Pixels:
        assert len(images) <= self._max_batch
        if self.fails_with:
            raise self.fails_with
        self.batches.append(len(images))
        [alphas] = self._session.run(None, {self._session.get_inputs()[0].name: images})
        return self._change(np.asarray(alphas))

    def close(self) -> None:
        self.closed = True


class FakeGpu:
    """Opens every plan that is one.

    Attributes:
        changes: what to do to the alphas of the next engines that are opened, in turn; nothing when it is empty.
        refusals: how many plans are refused before one is read.
        room: pictures that there is memory for.
        may_open: until it is set, opening waits, as a build that takes its time.
    """

    name, capability, driver = "Fake GPU", "8.9", "13.0"

    def __init__(self, manifest: ModelManifest, *, changes: tuple[Change, ...] = (), refusals: int = 0) -> None:
        self._manifest = manifest
        self.changes = list(changes)
        self.refusals = refusals
        self.room = 1_000
        self.may_open = Event()
        self.may_open.set()
        self.opened: list[FakeEngine] = []

    def open(self, plan: bytes, *, input: str, output: str, size: int, max_batch: int) -> FakeEngine:
        self.may_open.wait(60)
        if self.refusals:
            self.refusals -= 1
            raise PlanRefused("the plan was made for another GPU")
        if max_batch > self.room:
            raise OutOfMemory(f"no memory for {max_batch} pictures")
        assert plan[1:4] == b"trt"
        change = self.changes.pop(0) if self.changes else _as_it_is
        self.opened.append(FakeEngine(self._manifest, max_batch, change))
        return self.opened[-1]


class BackendChoiceWithGpu(BackendChoice):
    """The backends of a machine with this GPU, and without ONNX Runtime for it."""

    def __init__(self, wanted: BackendSetting, trt: ModuleType, gpu: FakeGpu, engines: Path) -> None:
        super().__init__(wanted, threads=1, max_batch=2, engines=engines)
        self._trt, self._gpu = trt, gpu

    @cached_property
    def engine_factory(self) -> EngineFactory:
        return EngineFactory(
            self._trt,
            self._gpu,
            EngineCache(self._engines),
            lambda manifest: golden(
                manifest, lambda: OrtBackend(manifest, device="cpu", threads=1).infer, self._engines
            ),
            DeviceLosses(self._engines / "losses.json", exit_process=lambda status: None),
            max_batch=self._max_batch,
        )
