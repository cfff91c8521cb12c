"""Imports one of NVIDIA's two packages with the same interface: `tensorrt` or `tensorrt_rtx`."""

from importlib import import_module
from types import ModuleType
from typing import Any

import structlog

from runners.backend import BackendError

log = structlog.get_logger(__name__)

NAMES = ("tensorrt", "tensorrt_bindings", "tensorrt_rtx", "tensorrt_rtx_bindings")
"""The first of each pair is an optional package that only imports the second."""


def tensorrt_module() -> ModuleType:
    """The first package that can be imported.

    Raises:
        BackendError: none can be imported; the message lists the reasons and what to install.
    """
    reasons = []
    for name in NAMES:
        try:
            return import_module(name)
        except (ImportError, OSError, RuntimeError) as error:  # OSError, RuntimeError: a shared library is missing
            reasons.append(str(error))
    raise BackendError(
        f"no TensorRT package can be imported ({'; '.join(reasons)}). Install requirements/tensorrt.txt for "
        "data centre GPUs (A100, H100, H200, B200), requirements/rtx.txt for others (T4, A10, L4, L40S, RTX)"
    )


def is_rtx(trt: ModuleType) -> bool:
    """Whether this is TensorRT for RTX, which builds engines without a GPU."""
    return trt.__name__.startswith("tensorrt_rtx")


def quiet_logger(trt: ModuleType) -> Any:
    """A TensorRT logger that writes to our log; `errors` collects its errors for exception messages."""

    class Log(trt.ILogger):  # type: ignore[misc, name-defined]  # the module is chosen at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(message)
            if severity not in (trt.ILogger.Severity.INFO, trt.ILogger.Severity.VERBOSE):  # thousands of lines
                log.debug("tensorrt_message", severity=severity.name, message=message)

    return Log()
