"""A CUDA and a TensorRT runtime that compute on the CPU, as far as `runners.tensorrt.cuda_engine` uses them.

What is enqueued while a stream is captured is recorded and not done, as on a device, and a graph does it again. The
network gives each picture's first colour. Memory that was freed cannot be freed again, and all must be in the end.
"""

# ruff: noqa: N802, N815  # the names are CUDA's

import ctypes
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np
from cuda.bindings import runtime as real

OK, FULL = real.cudaError_t.cudaSuccess, real.cudaError_t.cudaErrorMemoryAllocation


class FakeCudart:
    """`cuda.bindings.runtime` over memory of this process.

    Attributes:
        held: what was made and not given back.
        launched: names of what was enqueued or launched, in order.
    """

    cudaMemcpyKind = real.cudaMemcpyKind
    cudaStreamCaptureMode = real.cudaStreamCaptureMode
    cudaStreamNonBlocking = real.cudaStreamNonBlocking

    def __init__(self) -> None:
        self.held: dict[int, Any] = {}
        self.launched: list[str] = []
        self._recording: list[Callable[[], object]] | None = None
        self._next = 1

    def enqueue(self, name: str, work: Callable[[], object]) -> None:
        """Do it, or record it."""
        if self._recording is not None:
            self._recording.append(work)
        else:
            self.launched.append(name)
            work()

    def cudaMallocHost(self, nbytes: int) -> tuple[Any, int]:
        return self._allocated(nbytes)

    def cudaMalloc(self, nbytes: int) -> tuple[Any, int]:
        return self._allocated(nbytes)

    def cudaFreeHost(self, pointer: int) -> tuple[Any]:
        return self._freed(pointer)

    def cudaFree(self, pointer: int) -> tuple[Any]:
        return self._freed(pointer)

    def cudaStreamCreateWithFlags(self, flags: int) -> tuple[Any, int]:
        assert flags == self.cudaStreamNonBlocking
        return self._made("stream")

    def cudaStreamDestroy(self, stream: int) -> tuple[Any]:
        return self._freed(stream)

    def cudaStreamSynchronize(self, stream: int) -> tuple[Any]:
        assert self._recording is None, "a stream that is captured cannot be waited for"
        assert self.held[stream] == "stream"
        return (OK,)

    def cudaMemcpyAsync(self, to: int, source: int, nbytes: int, kind: Any, stream: int) -> tuple[Any]:
        assert self.held[stream] == "stream"
        assert nbytes <= len(self.held[to])
        assert nbytes <= len(self.held[source])
        self.enqueue("copy", partial(ctypes.memmove, to, source, nbytes))
        return (OK,)

    def cudaStreamBeginCapture(self, stream: int, mode: Any) -> tuple[Any]:
        assert self._recording is None
        self._recording = []
        return (OK,)

    def cudaStreamEndCapture(self, stream: int) -> tuple[Any, int]:
        recorded, self._recording = self._recording, None
        return self._made(recorded)

    def cudaGraphInstantiate(self, graph: int, flags: int) -> tuple[Any, int]:
        return self._made(list(self.held[graph]))

    def cudaGraphDestroy(self, graph: int) -> tuple[Any]:
        return self._freed(graph)

    def cudaGraphExecDestroy(self, graph: int) -> tuple[Any]:
        return self._freed(graph)

    def cudaGraphLaunch(self, graph: int, stream: int) -> tuple[Any]:
        self.launched.append("graph")
        for work in self.held[graph]:
            work()
        return (OK,)

    def _allocated(self, nbytes: int) -> tuple[Any, int]:
        memory = (ctypes.c_uint8 * nbytes)()
        address = ctypes.addressof(memory)
        self.held[address] = memory
        return OK, address

    def _made(self, thing: Any) -> tuple[Any, int]:
        self._next += 1
        self.held[self._next] = thing
        return OK, self._next

    def _freed(self, handle: int) -> tuple[Any]:
        del self.held[handle]
        return (OK,)


class FakeContext:
    """Runs whatever shape was set last, from and to the addresses that were set."""

    def __init__(self, cudart: FakeCudart) -> None:
        self._cudart = cudart
        self._addresses: dict[str, int] = {}
        self._shape: tuple[int, ...] = ()

    def set_tensor_address(self, name: str, address: int) -> bool:
        self._addresses[name] = address
        return name in ("image", "alpha")

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        assert name == "image"
        self._shape = shape
        return True

    def execute_async_v3(self, stream: int) -> bool:
        shape = self._shape
        self._cudart.enqueue("run", lambda: self._run(shape))
        return True

    def _run(self, shape: tuple[int, ...]) -> None:
        taken = _view(self._addresses["image"], shape)
        _view(self._addresses["alpha"], shape[:3])[:] = taken[..., 0]


def _view(address: int, shape: tuple[int, ...]) -> np.ndarray:
    memory = (ctypes.c_uint8 * int(np.prod(shape))).from_address(address)
    return np.ctypeslib.as_array(memory).reshape(shape)


class _RuntimeCache:
    def __init__(self) -> None:
        self.content = b"kernels"

    def deserialize(self, content: bytes) -> bool:
        self.content = content + b" more"
        return True

    def serialize(self) -> bytes:
        return self.content


class _RuntimeConfig:
    cuda_graph_strategy = "off"

    def create_runtime_cache(self) -> _RuntimeCache:
        return _RuntimeCache()

    def set_runtime_cache(self, cache: _RuntimeCache) -> bool:
        return True


class _Logger:
    Severity = SimpleNamespace(ERROR=1, INTERNAL_ERROR=0, INFO=3, VERBOSE=4)


class _Runtime:
    def __init__(self, cudart: FakeCudart) -> None:
        self._cudart = cudart

    def deserialize_cuda_engine(self, plan: bytes) -> Any:
        if plan != b"plan":
            return None
        context = FakeContext(self._cudart)
        return SimpleNamespace(
            create_execution_context=lambda config=None: context, create_runtime_config=_RuntimeConfig
        )


def fake_trt(cudart: FakeCudart, name: str = "tensorrt") -> Any:
    """The module `tensorrt`, or `tensorrt_rtx`, as far as an engine is run with it; the only plan is b"plan"."""
    return SimpleNamespace(
        __name__=name,
        ILogger=_Logger,
        Runtime=lambda _: _Runtime(cudart),
        CudaGraphStrategy=SimpleNamespace(WHOLE_GRAPH_CAPTURE="whole"),
    )
