"""The port to a GPU: everything that cannot be tested without one is behind it."""

from collections.abc import Sequence
from typing import Protocol

from runners.backend import BackendError, Pixels

_CAPTURED = (1, 2, 4, 8, 16, 32)


class PlanRefused(BackendError):
    """The runtime cannot read the plan: it is damaged, or from another version or GPU."""


class DeviceLost(BackendError):
    """The CUDA context is permanently broken: every later call of this process fails."""


class Engine(Protocol):
    """A loaded plan. Call it from one thread at a time."""

    def __call__(self, images: Pixels) -> Pixels:
        """uint8 [N,S,S,3] → uint8 [N,S,S], N up to the `max_batch` of `Device.open`.

        Raises:
            DeviceLost: the process must end.
            OutOfMemory, BackendError: the run failed.
        """
        ...

    def close(self) -> None:
        """Release the device's memory."""
        ...


class Device(Protocol):
    """One GPU.

    Attributes:
        name: model name, such as "NVIDIA H200".
        capability: compute capability, such as "9.0".
        driver: newest CUDA version that the driver supports, such as "13.0".
    """

    name: str
    capability: str
    driver: str

    def open(self, plan: bytes, *, input: str, output: str, size: int, max_batch: int) -> Engine:
        """Load a plan onto the device.

        Raises:
            PlanRefused: the plan cannot be read.
            OutOfMemory, BackendError: the device has not enough memory, or fails.
        """
        ...


def captured_sizes(max_batch: int) -> tuple[int, ...]:
    """Batch sizes with a captured CUDA graph: powers of two, and the limit itself."""
    return (*(size for size in _CAPTURED if size < max_batch), max_batch)


def padded(count: int, sizes: Sequence[int]) -> int:
    """The smallest captured size for this many images; the results of the padding are ignored."""
    return next(size for size in sizes if size >= count)
