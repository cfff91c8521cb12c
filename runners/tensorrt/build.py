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
"""Is told the phase of the build that is in progress, and how much of it is done, 0 to 1."""


@dataclass(frozen=True)
class Recipe:
    """What is built.

    Attributes:
        content: ONNX; its types are the engine's (strongly typed).
        input: name of the input, uint8 [N,S,S,3].
        size: S.
        max_batch: the most pictures of one run; 1 fixes N.
        tf32: whether fp32 convolutions may round their factors to 10 bits of mantissa.
    """

    content: bytes
    input: str
    size: int
    max_batch: int
    tf32: bool

    @property
    def batches(self) -> tuple[int, int, int]:
        """Fewest, usual and most pictures of one run: the engine is tuned for the middle one."""
        return 1, max(1, self.max_batch // 2), self.max_batch


@dataclass(frozen=True)
class Built:
    """An engine, and what was learnt about kernels while it was built (empty where the package keeps nothing)."""

    plan: bytes
    timing_cache: bytes


def build(trt: ModuleType, recipe: Recipe, *, timing_cache: bytes = b"", progress: Progress | None = None) -> Built:
    """Build an engine for the GPU at hand; takes seconds to minutes, and needs a GPU with `tensorrt` (not with rtx).

    Raises:
        BackendError: the graph cannot be parsed or built; the text holds the parser's or the builder's words.
    """
    builder, network, said = parsed(trt, recipe)
    config = _config(trt, builder, recipe)
    monitor = _monitor(trt, progress) if progress else None
    if monitor:
        config.progress_monitor = monitor
    # RTX tries no kernels while it builds: its timing cache does nothing, and is deprecated.
    known = None if is_rtx(trt) else config.create_timing_cache(timing_cache)
    if known:
        config.set_timing_cache(known, False)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise BackendError(f"TensorRT builds no engine of the graph: {_last(said)}")
    return Built(bytes(plan), bytes(known.serialize()) if known else b"")


def parsed(trt: ModuleType, recipe: Recipe) -> tuple[Any, Any, Any]:
    """Builder, network, and what TensorRT says; the parser is not needed any more.

    Raises:
        BackendError: the graph cannot be parsed.
    """
    said = quiet_logger(trt)
    builder = _made(trt.Builder, said)
    # TensorRT 10 has to be asked; 11 and RTX know nothing else.
    flags = trt.NetworkDefinitionCreationFlag
    typed = 1 << int(flags.STRONGLY_TYPED) if hasattr(flags, "STRONGLY_TYPED") else 0
    network = builder.create_network(typed)
    _parse(trt, network, recipe.content, said)
    return builder, network, said


def _made(kind: Any, said: Any) -> Any:
    try:
        return kind(said)
    except TypeError as error:  # what pybind11 makes of a null pointer; without a driver, say
        raise BackendError(f"TensorRT cannot be started: {_last(said)}") from error


def _parse(trt: ModuleType, network: Any, content: bytes, said: Any) -> None:
    parser = trt.OnnxParser(network, said)
    if not parser.parse(content):
        faults = [_fault(parser.get_error(index)) for index in range(parser.num_errors)]
        raise BackendError(f"TensorRT cannot parse the graph: {'; '.join(faults)}")


def _fault(error: Any) -> str:
    what, *why = error.desc().splitlines()
    return f"{error.node_operator() or 'graph'} {error.node_name()}: {why[0] if why else what}"


def _config(trt: ModuleType, builder: Any, recipe: Recipe) -> Any:
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
            return True  # go on

        def phase_finish(self, phase: str) -> None:
            progress(phase, 1.0)

    return Monitor()


def _last(said: Any) -> str:
    return said.errors[-1] if said.errors else "it does not say why"
