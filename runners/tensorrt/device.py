"""What is needed of a GPU, as one port: everything that cannot be tried without one is behind it."""

from collections.abc import Sequence
from typing import Protocol

from runners.backend import BackendError, Pixels

_CAPTURED = (1, 2, 4, 8, 16, 32)


class PlanRefused(BackendError):
    """The runtime does not read the plan: it is damaged, or of another version or GPU."""


class DeviceLost(BackendError):
    """The CUDA context is broken for good: no later call of this process can succeed."""


class Engine(Protocol):
    """A plan that is ready to run. From one thread at a time."""

    def __call__(self, images: Pixels) -> Pixels:
        """uint8 [N,S,S,3] → uint8 [N,S,S], N up to the limit that it was opened with.

        Raises:
            DeviceLost: the process has to end.
            OutOfMemory, BackendError: the run failed.
        """
        ...

    def close(self) -> None:
        """Give back the device's memory."""
        ...


class Device(Protocol):
    """One GPU.

    Attributes:
        name: its model, "NVIDIA H200".
        capability: its compute capability, "9.0".
        driver: the newest version of CUDA that its driver runs, "13.0".
    """

    name: str
    capability: str
    driver: str

    def open(self, plan: bytes, *, input: str, output: str, size: int, max_batch: int) -> Engine:
        """Load a plan onto the device.

        Raises:
            PlanRefused: it cannot be read.
            OutOfMemory, BackendError: there is no room for it, or the device fails.
        """
        ...


def captured_sizes(max_batch: int) -> tuple[int, ...]:
    """Sizes of batch for which a CUDA graph is captured: powers of two, and the limit itself."""
    return (*(size for size in _CAPTURED if size < max_batch), max_batch)


def padded(count: int, sizes: Sequence[int]) -> int:
    """The smallest captured size that holds this many pictures; what is too much computes what nobody reads."""
    return next(size for size in sizes if size >= count)
