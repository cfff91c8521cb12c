"""Any TensorFlow Lite file as a backend, where the runtime is installed."""

from pathlib import Path

import numpy as np

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.file_backend import FileBackend, Signature
from modelkit.evaluation.network_output import Output
from modelkit.evaluation.options import Options


class TfliteFile(FileBackend):
    """A network of one picture input, on the CPU.

    Raises:
        EvaluationError: the package ai-edge-litert is not installed, or the file cannot be loaded, fed or read.
    """

    def __init__(self, path: Path, options: Options, threads: int) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - a package that few need
        except ImportError as error:
            raise EvaluationError("it needs the package ai-edge-litert.") from error
        try:
            self._interpreter = Interpreter(model_path=str(path), num_threads=threads)
            self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError) as error:
            raise EvaluationError(f"it cannot be loaded: {error}") from error
        first = self._interpreter.get_input_details()[0]
        self._input = first["index"]
        self._outputs = [each["index"] for each in self._interpreter.get_output_details()]
        super().__init__(
            path.name, Signature.of(first["shape"].tolist(), np.dtype(first["dtype"]).name), len(self._outputs), options
        )

    def _run(self, fed: Output) -> Output:
        self._interpreter.set_tensor(self._input, fed)
        try:
            self._interpreter.invoke()
        except RuntimeError as error:
            raise EvaluationError(f"it failed: {error}") from error
        return np.asarray(self._interpreter.get_tensor(self._outputs[self._output]))

    def close(self) -> None:
        """Free the interpreter."""
        del self._interpreter
