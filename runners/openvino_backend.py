"""OpenVINO on the CPU: faster than ONNX Runtime with int8 files; an optional extra."""

import numpy as np

from models import ModelManifest, Precision
from runners.backend import BackendError, Pixels
from runners.openvino_module import openvino
from runners.ort_backend import weights_of


class OpenVinoBackend:
    """`Backend` with one compiled OpenVINO model.

    Args:
        precision: which of the manifest's files to run.
        threads: CPU threads of one call.

    Raises:
        BackendError: the graph cannot be compiled.
    """

    def __init__(self, manifest: ModelManifest, *, threads: int, precision: Precision = "fp32") -> None:
        self.name = "openvino-cpu" if precision == "fp32" else f"openvino-cpu-{precision}"
        self.precision, self.device = precision, "cpu"
        self.max_batch = 1 if manifest.batch == "one" else None
        self._shape = (manifest.input.size, manifest.input.size, 3)
        settings = {
            # OpenVINO defaults to bf16 if the processor supports it; alphas then differ by up to 86 of 255.
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            # Pinned threads of several processes would share cores while other cores idle.
            "ENABLE_CPU_PINNING": False,
        }
        content = weights_of(manifest, precision)
        try:
            core = openvino.Core()
            self._request = core.compile_model(core.read_model(content), "CPU", settings).create_infer_request()
        except Exception as error:  # the runtime's errors have no base class of their own
            raise BackendError(f"OpenVINO cannot compile the graph: {error}") from error

    def infer(self, images: Pixels) -> Pixels:
        """As `Backend.infer`; BackendError also for images of another size."""
        if images.dtype != np.uint8 or images.shape[1:] != self._shape:
            raise BackendError(f"images must be uint8 [N, {self._shape}], not {images.dtype} {images.shape}")
        parts = np.split(images, len(images)) if self.max_batch == 1 else [images]
        try:
            # OpenVINO returns its own buffer and overwrites it in the next call.
            alphas = [self._request.infer([np.ascontiguousarray(part)])[0].copy() for part in parts]
        except Exception as error:  # as above
            raise BackendError(f"{self.name} failed: {error}") from error
        return np.asarray(np.concatenate(alphas), np.uint8)

    def close(self) -> None:
        """Free the model."""
        del self._request
