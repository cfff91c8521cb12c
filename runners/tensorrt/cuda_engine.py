"""An engine on a GPU: one context, one stream, pinned buffers, one CUDA graph per batch size.

Not yet run on a GPU. Tests run it with a fake CUDA that computes on the CPU.
"""

import os
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from runners.backend import BackendError, OutOfMemory, Pixels
from runners.tensorrt.cuda import PinnedPair, call
from runners.tensorrt.device import PlanRefused, captured_sizes, padded
from runners.tensorrt.module import is_rtx, quiet_logger


class CudaEngine:
    """`Engine` that runs a plan.

    With `tensorrt`, copies and inference of each captured size form one CUDA graph, and a batch is padded to the next
    size. TensorRT for RTX captures graphs itself and runs every size unpadded.

    Args:
        tensor_names: names of input and output.
        runtime_cache: as `CudaDevice`.

    Raises:
        PlanRefused, OutOfMemory, BackendError: as `Device.open`.
    """

    def __init__(
        self,
        trt: ModuleType,
        cudart: ModuleType,
        plan: bytes,
        *,
        tensor_names: tuple[str, str],
        size: int,
        max_batch: int,
        runtime_cache: Path,
    ) -> None:
        self._cudart = cudart
        self._tensor_names, self._size, self._is_rtx = tensor_names, size, is_rtx(trt)
        self._sizes = tuple(range(1, max_batch + 1)) if self._is_rtx else captured_sizes(max_batch)
        self._graphs: dict[int, Any] = {}
        self._trt_log = quiet_logger(trt)
        with ExitStack() as owner:
            self._runtime = trt.Runtime(self._trt_log)
            self._engine = self._runtime.deserialize_cuda_engine(plan)
            if self._engine is None:
                raise PlanRefused(f"TensorRT cannot read the plan: {self._last_error()}")
            self._context = self._new_context(trt, runtime_cache, owner)
            self._stream = call(cudart.cudaStreamCreateWithFlags, cudart.cudaStreamNonBlocking)
            owner.callback(cudart.cudaStreamDestroy, self._stream)
            self._inputs = PinnedPair(cudart, (max_batch, size, size, 3), owner)
            self._outputs = PinnedPair(cudart, (max_batch, size, size), owner)
            self._bind()
            self._warm_up(owner)
            self._owner = owner.pop_all()

    def __call__(self, images: Pixels) -> Pixels:
        """As `Engine.__call__`."""
        count = len(images)
        self._inputs.host[:count] = images
        size = padded(count, self._sizes)
        if graph := self._graphs.get(size):
            call(self._cudart.cudaGraphLaunch, graph, self._stream)
        else:
            self._enqueue(size)
        call(self._cudart.cudaStreamSynchronize, self._stream)
        return np.array(self._outputs.host[:count])

    def close(self) -> None:
        """As `Engine.close`."""
        self._owner.close()
        del self._context, self._engine, self._runtime

    def _new_context(self, trt: ModuleType, runtime_cache: Path, owner: ExitStack) -> Any:
        if not self._is_rtx:
            context = self._engine.create_execution_context()
        else:
            config = self._engine.create_runtime_config()
            config.cuda_graph_strategy = trt.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
            kernels = config.create_runtime_cache()
            if runtime_cache.exists():
                kernels.deserialize(runtime_cache.read_bytes())  # ignored if it is from another version or GPU
            config.set_runtime_cache(kernels)
            context = self._engine.create_execution_context(config)
            owner.callback(lambda: _keep(runtime_cache, kernels))
        if context is None:
            raise OutOfMemory(f"TensorRT cannot create a context: {self._last_error()}")
        return context

    def _bind(self) -> None:
        for name, pair in zip(self._tensor_names, (self._inputs, self._outputs), strict=True):
            if not self._context.set_tensor_address(name, pair.address):
                raise BackendError(f"the engine has no {name}: {self._last_error()}")

    def _warm_up(self, owner: ExitStack) -> None:
        """Run each size once, because the first run allocates and loads kernels, and capture it."""
        for size in self._sizes if not self._is_rtx else (1, self._sizes[-1]):
            self._enqueue(size)
            call(self._cudart.cudaStreamSynchronize, self._stream)
            if not self._is_rtx:
                self._graphs[size] = self._captured(size, owner)

    def _captured(self, size: int, owner: ExitStack) -> Any:
        mode = self._cudart.cudaStreamCaptureMode.cudaStreamCaptureModeThreadLocal
        call(self._cudart.cudaStreamBeginCapture, self._stream, mode)
        try:
            self._enqueue(size)
        finally:
            graph = call(self._cudart.cudaStreamEndCapture, self._stream)
        ready = call(self._cudart.cudaGraphInstantiate, graph, 0)
        self._cudart.cudaGraphDestroy(graph)
        owner.callback(self._cudart.cudaGraphExecDestroy, ready)
        return ready

    def _enqueue(self, size: int) -> None:
        self._context.set_input_shape(self._tensor_names[0], (size, self._size, self._size, 3))
        self._inputs.upload(size, self._stream)
        if not self._context.execute_async_v3(int(self._stream)):
            raise BackendError(f"TensorRT cannot run {size} images: {self._last_error()}")
        self._outputs.download(size, self._stream)

    def _last_error(self) -> str:
        return self._trt_log.errors[-1] if self._trt_log.errors else "no reason given"


def _keep(file: Path, kernels: Any) -> None:
    """Write the kernels atomically; other runners of this host may do the same."""
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    part.write_bytes(bytes(kernels.serialize()))
    part.replace(file)
