"""Any ONNX file as a backend."""

from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.file_backend import FileBackend, Signature
from modelkit.evaluation.network_output import Output
from modelkit.evaluation.options import Options

_TYPES = {"tensor(uint8)": "uint8", "tensor(float)": "float32", "tensor(float16)": "float16"}
_ERRORS_ONLY = 3


class OnnxFile(FileBackend):
    """A network of one picture input, on the CPU.

    Raises:
        EvaluationError: it cannot be loaded, fed or read.
    """

    def __init__(self, path: Path, options: Options, threads: int) -> None:
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = threads, 1
        settings.log_severity_level = _ERRORS_ONLY
        try:
            self._session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # the runtime's errors have no base class of their own
            raise EvaluationError(f"it cannot be loaded: {error}") from error
        first = self._session.get_inputs()[0]
        self._input = first.name
        self._outputs = [each.name for each in self._session.get_outputs()]
        super().__init__(
            path.name, Signature.of(first.shape, _TYPES.get(first.type, first.type)), len(self._outputs), options
        )

    def _run(self, fed: Output) -> Output:
        try:
            [output] = self._session.run([self._outputs[self._output]], {self._input: fed})
        except Exception as error:  # as above
            raise EvaluationError(f"it failed: {error}") from error
        return np.asarray(output)

    def close(self) -> None:
        """Free the session."""
        del self._session
