"""ONNX bytes → engine bytes: parse, strongly typed, one profile over the number of pictures."""

from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from runners.backend import BackendError
from runners.tensorrt.module import is_rtx, quiet_logger

OPTIMISATION = 3
"""TensorRT's default. 4 and 5 try more kernels for many times the build time."""

Progress = Callable[[str, float], None]
"""Called with the phase of the build in progress and its completed share, 0 to 1."""


@dataclass(frozen=True)
class BuildSpec:
    """Specification of an engine build.

    Attributes:
        content: ONNX; the engine uses its types (strongly typed).
        input: name of the input, uint8 [N,S,S,3].
        size: S.
        max_batch: maximum images per run; 1 fixes N.
        tf32: whether fp32 convolutions may round their factors to 10 bits of mantissa.
    """

    content: bytes
    input: str
    size: int
    max_batch: int
    tf32: bool

    @property
    def batches(self) -> tuple[int, int, int]:
        """Minimum, optimum and maximum images per run."""
        return 1, max(1, self.max_batch // 2), self.max_batch


@dataclass(frozen=True)
class BuiltEngine:
    """An engine and the kernel timings of its build (empty if the package keeps none)."""

    plan: bytes
    timing_cache: bytes


def build(
    trt: ModuleType, recipe: BuildSpec, *, timing_cache: bytes = b"", progress: Progress | None = None
) -> BuiltEngine:
    """Build an engine for the GPU at hand; takes seconds to minutes, and needs a GPU with `tensorrt` (not with rtx).

    Raises:
        BackendError: the graph cannot be parsed or built; the message contains TensorRT's error.
    """
    builder, network, trt_log = parsed(trt, recipe)
    config = _config(trt, builder, recipe)
    monitor = _monitor(trt, progress) if progress else None
    if monitor:
        config.progress_monitor = monitor
    # RTX does not time kernels during the build: its timing cache has no effect and is deprecated.
    known = None if is_rtx(trt) else config.create_timing_cache(timing_cache)
    if known:
        config.set_timing_cache(known, False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(f"TensorRT cannot build an engine from the graph: {_last(trt_log)}")
    return BuiltEngine(bytes(plan), bytes(known.serialize()) if known else b"")


def parsed(trt: ModuleType, recipe: BuildSpec) -> tuple[Any, Any, Any]:
    """Builder, parsed network and TensorRT's log.

    Raises:
        BackendError: the graph cannot be parsed.
    """
    trt_log = quiet_logger(trt)
    builder = _made(trt.Builder, trt_log)
    # TensorRT 10 needs the flag; 11 and RTX are always strongly typed.
    flags = trt.NetworkDefinitionCreationFlag
    typed = 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0
    network = builder.create_network(typed)
    _parse(trt, network, recipe.content, trt_log)
    return builder, network, trt_log


def _made(kind: Any, trt_log: Any) -> Any:
    try:
        return kind(trt_log)
    except TypeError as error:  # pybind11's error for a null pointer, for example without a driver
        raise BackendError(f"TensorRT cannot be started: {_last(trt_log)}") from error


def _parse(trt: ModuleType, network: Any, content: bytes, trt_log: Any) -> None:
    parser = trt.OnnxParser(network, trt_log)
    if not parser.parse(content):
        faults = [_fault(parser.get_error(index)) for index in range(parser.num_errors)]
        raise BackendError(f"TensorRT cannot parse the graph: {'; '.join(faults)}")


def _fault(error: Any) -> str:
    what, *why = error.desc().splitlines()
    return f"{error.node_operator() or 'graph'} {error.node_name()}: {why[0] if why else what}"


def _config(trt: ModuleType, builder: Any, recipe: BuildSpec) -> Any:
    config = builder.create_builder_config()
    profile = builder.create_optimization_profile()
    profile.set_shape(recipe.input, *((count, recipe.size, recipe.size, 3) for count in recipe.batches))
    config.add_optimization_profile(profile)
    config.builder_optimization_level = OPTIMISATION
    if not recipe.tf32:
        config.clear_flag(trt.BuilderFlag.TF32)
    return config


def _monitor(trt: ModuleType, progress: Progress) -> Any:
    class Monitor(trt.IProgressMonitor):  # type: ignore[misc, name-defined]  # the module is chosen at run time
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)
            self._steps: dict[str, int] = {}

        def phase_start(self, phase: str, parent: str | None, steps: int) -> None:
            self._steps[phase] = steps

        def step_complete(self, phase: str, step: int) -> bool:
            progress(phase, (step + 1) / max(1, self._steps.get(phase, 1)))
            return True  # continue the build

        def phase_finish(self, phase: str) -> None:
            progress(phase, 1.0)

    return Monitor()


def _last(trt_log: Any) -> str:
    return trt_log.errors[-1] if trt_log.errors else "no reason given"
