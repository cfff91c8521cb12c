"""CUDA, as far as it is needed: one device, pinned memory. Never run on a GPU: there was none where it was written.

`cudart` is `cuda.bindings.runtime`; tests give one that computes on the CPU.
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

_BROKEN = {
    f"cudaError{name}"
    for name in (
        "Assert", "ECCUncorrectable", "HardwareStackError", "IllegalAddress", "IllegalInstruction",
        "InvalidAddressSpace", "InvalidPc", "LaunchFailure", "LaunchTimeout", "MisalignedAddress", "Unknown",
    )
}  # fmt: skip
"""After these every further call of the process fails the same way (CUDA Runtime API, error handling)."""


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """What a function of the runtime returns beside its error code.

    Raises:
        DeviceLost, OutOfMemory, BackendError: by the code.
    """
    error, *values = function(*arguments)
    if error.name != "cudaSuccess":
        raise _failure(function.__name__, error)
    return values[0] if values else None


def _failure(name: str, error: Any) -> BackendError:
    text = f"{name}: {error.name}"
    if error.name == "cudaErrorMemoryAllocation":
        return OutOfMemory(text)
    return DeviceLost(text) if error.name in _BROKEN else BackendError(text)


class CudaDevice:
    """`Device` 0: which one that is says CUDA_VISIBLE_DEVICES.

    Args:
        runtime_cache: file in which TensorRT for RTX keeps the kernels that it has compiled.

    Raises:
        BackendError: there is no GPU, or no driver that is new enough.
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
            ends=(input, output),
            size=size,
            max_batch=max_batch,
            runtime_cache=self._runtime_cache,
        )


_REMEDY = "Look at nvidia-smi; a container needs `--gpus`"


class PinnedPair:
    """The same bytes on the host, where the device can reach them directly, and on the device.

    Attributes:
        host: uint8 of `shape`.
        address: on the device.
        nbytes_of: bytes of one picture.
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
        """Enqueue the first pictures to the device."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyHostToDevice
        call(self._cudart.cudaMemcpyAsync, self.address, self._pinned, count * self.nbytes_of, kind, stream)

    def download(self, count: int, stream: Any) -> None:
        """Enqueue the first ones to the host."""
        kind = self._cudart.cudaMemcpyKind.cudaMemcpyDeviceToHost
        call(self._cudart.cudaMemcpyAsync, self._pinned, self.address, count * self.nbytes_of, kind, stream)
