"""The parts of CUDA that engines need: one device, pinned memory. Not yet run on a GPU.

`cudart` is `cuda.bindings.runtime`; tests pass a fake that computes on the CPU.
"""

import ctypes
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from runners.backend import BackendError, OutOfMemory, Pixels
from runners.tensorrt.device import DeviceLost, Engine

_STICKY_ERRORS = {
    f"cudaError{name}"
    for name in (
        "Assert", "ECCUncorrectable", "HardwareStackError", "IllegalAddress", "IllegalInstruction",
        "InvalidAddressSpace", "InvalidPc", "LaunchFailure", "LaunchTimeout", "MisalignedAddress", "Unknown",
    )
}  # fmt: skip
"""Sticky errors: every later call in the process fails the same way (CUDA Runtime API, error handling)."""


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function of the runtime and return its result without the error code.

    Raises:
        DeviceLost, OutOfMemory, BackendError: depending on the error code.
    """
    error, *values = function(*arguments)
    if error.name != "cudaSuccess":
        raise _failure(function.__name__, error)
    return values[0] if values else None


def _failure(name: str, error: Any) -> BackendError:
    text = f"{name}: {error.name}"
    if error.name == "cudaErrorMemoryAllocation":
        return OutOfMemory(text)
    return DeviceLost(text) if error.name in _STICKY_ERRORS else BackendError(text)


class CudaDevice:
    """`Device` 0; CUDA_VISIBLE_DEVICES selects which GPU that is.

    Args:
        runtime_cache: file for the kernels that TensorRT for RTX compiles.

    Raises:
        BackendError: there is no GPU, or the driver is too old.
    """

    def __init__(self, trt: ModuleType, cudart: ModuleType, *, runtime_cache: Path) -> None:
        self._trt, self._cudart, self._runtime_cache = trt, cudart, runtime_cache
        try:
            found = call(cudart.cudaGetDeviceCount)
        except BackendError as error:
            raise BackendError(f"{error}: no NVIDIA GPU, or no driver of the 580 series or later. {_REMEDY}") from error
        if not found:
            raise BackendError(f"there is no NVIDIA GPU. {_REMEDY}")
        call(cudart.cudaSetDevice, 0)
        facts = call(cudart.cudaGetDeviceProperties, 0)
        version = call(cudart.cudaDriverGetVersion)
        self.name = facts.name.decode().rstrip("\0")
        self.capability = f"{facts.major}.{facts.minor}"
        self.driver = f"{version // 1000}.{version % 1000 // 10}"

    def open(self, plan: bytes, *, input: str, output: str, size: int, max_batch: int) -> Engine:
        """As `Device.open`."""
        from runners.tensorrt.cuda_engine import CudaEngine  # noqa: PLC0415  # which needs this file

        return CudaEngine(
            self._trt,
            self._cudart,
            plan,
            tensor_names=(input, output),
            size=size,
            max_batch=max_batch,
            runtime_cache=self._runtime_cache,
        )


_REMEDY = "Check nvidia-smi; a container needs `--gpus`"


class PinnedPair:
    """A buffer in pinned host memory and its counterpart on the device.

    Attributes:
        host: uint8 of `shape`.
        address: on the device.
        nbytes_of: bytes per image.
    """

    def __init__(self, cudart: ModuleType, shape: tuple[int, ...], owner: ExitStack) -> None:
        self._cudart = cudart
        self.nbytes_of = int(np.prod(shape[1:]))
        nbytes = shape[0] * self.nbytes_of
        pinned = call(cudart.cudaMallocHost, nbytes)
        owner.callback(cudart.cudaFreeHost, pinned)
        self.address = int(call(cudart.cudaMalloc, nbytes))
        owner.callback(cudart.cudaFree, self.address)
        self._pinned = int(pinned)
        memory = (ctypes.c_uint8 * nbytes).from_address(self._pinned)
        self.host: Pixels = np.ctypeslib.as_array(memory).reshape(shape)

    def upload(self, count: int, stream: Any) -> None:
        """Enqueue the copy of the first `count` images to the device."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        call(self._cudart.cudaMemcpyAsync, self.address, self._pinned, count * self.nbytes_of, kind, stream)

    def download(self, count: int, stream: Any) -> None:
        """Enqueue the copy of the first `count` images to the host."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        call(self._cudart.cudaMemcpyAsync, self._pinned, self.address, count * self.nbytes_of, kind, stream)
