"""Which of NVIDIA's two packages is installed: `tensorrt` or `tensorrt_rtx`, which have the same interface."""

from importlib import import_module
from types import ModuleType
from typing import Any

import structlog

from runners.backend import BackendError

log = structlog.get_logger(__name__)

NAMES = ("tensorrt", "tensorrt_bindings", "tensorrt_rtx", "tensorrt_rtx_bindings")
"""The first of each pair only imports the second, and comes as a package of its own that need not be installed."""


def tensorrt_module() -> ModuleType:
    """The first that can be imported.

    Raises:
        BackendError: none can; the text holds the reasons and what to install.
    """
    reasons = []
    for name in NAMES:
        try:
            return import_module(name)
        except (ImportError, OSError, RuntimeError) as error:  # the latter two: a shared library is missing
            reasons.append(str(error))
    raise BackendError(
        f"no package of TensorRT can be imported ({'; '.join(reasons)}). Install requirements/tensorrt.txt for "
        "data centre GPUs (A100, H100, H200, B200), requirements/rtx.txt for others (T4, A10, L4, L40S, RTX)"
    )


def is_rtx(trt: ModuleType) -> bool:
    """Whether it is TensorRT for RTX, which builds engines without a GPU, and not for all of them."""
    return trt.__name__.startswith("tensorrt_rtx")


def quiet_logger(trt: ModuleType) -> Any:
    """TensorRT's log as ours; its `errors` are what was said so far, for the reason of a refusal."""

    class Log(trt.ILogger):  # type: ignore[misc, name-defined]  # the module is chosen at run time
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity in (trt.ILogger.Severity.ERROR, trt.ILogger.Severity.INTERNAL_ERROR):
                self.errors.append(message)
            if severity not in (trt.ILogger.Severity.INFO, trt.ILogger.Severity.VERBOSE):  # thousands of lines
                log.debug("tensorrt_said", severity=severity.name, message=message)

    return Log()
