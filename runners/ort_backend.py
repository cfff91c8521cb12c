"""ONNX Runtime, on an NVIDIA GPU or on the CPU."""

import re

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
import structlog

from models import ModelError, ModelManifest, Precision
from runners.backend import BackendError, OutOfMemory, Pixels

log = structlog.get_logger(__name__)

_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}
_NO_MEMORY = re.compile("out of memory|failed to allocate|bad[ _]alloc", re.IGNORECASE)
"""The messages of the runtime's allocators; the runtime has no error type for this."""


class PartlyOnCpu(BackendError):
    """Some nodes of the graph would run on the CPU."""


class OrtBackend:
    """`Backend` with one ONNX Runtime session.

    Args:
        device: "cuda" or "cpu".
        precision: which of the manifest's files to run.
        threads: CPU threads of one call. ONNX Runtime does not see container limits, so it must be set.

    Raises:
        BackendError: the session cannot be created, or would run on another device.
    """

    def __init__(self, manifest: ModelManifest, *, device: str, threads: int, precision: Precision = "fp32") -> None:
        self.name = f"onnxruntime-{device}" if precision == "fp32" else f"onnxruntime-{device}-{precision}"
        self.precision = precision
        self.device = device
        self.max_batch = 1 if manifest.batch == "one" else None
        self._input, self._output = manifest.input.name, manifest.output.name
        self._shape = (manifest.input.size, manifest.input.size, 3)
        self._one_by_one = manifest.batch == "one"
        provider = _PROVIDERS[device]
        if provider not in onnxruntime.get_available_providers():
            raise BackendError(f"the installed onnxruntime has no {provider}. Install requirements/gpu.txt for it")
        if device == "cuda":
            # CUDA and cuDNN are installed as Python packages, outside the loader's search path.
            onnxruntime.preload_dlls()
        weights = weights_of(manifest, precision)
        try:
            self._session = session(weights, provider, threads, strict=device != "cpu")
        except PartlyOnCpu as reason:
            # Some graphs have shape nodes without a GPU kernel; the backend's name and the log show it.
            self.name += "+cpu"
            log.warning("partly_on_cpu", model=manifest.label, backend=self.name, reason=str(reason))
            self._session = session(weights, provider, threads, strict=False)
        # onnxruntime-gpu falls back to the CPU without an error; only the session knows its device.
        actual = self._session.get_providers()[0]
        if actual != provider:
            raise BackendError(f"asked for {provider}, got {actual}")

    def infer(self, images: Pixels) -> Pixels:
        """As `Backend.infer`; BackendError also for images of another size."""
        if images.dtype != np.uint8 or images.shape[1:] != self._shape:
            raise BackendError(f"images must be uint8 [N, {self._shape}], not {images.dtype} {images.shape}")
        try:
            parts = np.split(images, len(images)) if self._one_by_one else [images]
            alphas = [self._session.run([self._output], {self._input: part})[0] for part in parts]
        except Exception as error:  # the runtime's errors have no base class of their own
            raise _failure(self.name, error) from error
        return np.asarray(np.concatenate(alphas), np.uint8)

    def close(self) -> None:
        """Free the session."""
        del self._session


def weights_of(manifest: ModelManifest, precision: Precision) -> bytes:
    """The weights of this precision. Raises BackendError if the file is missing or damaged."""
    try:
        return manifest.weights(precision)
    except ModelError as error:
        raise BackendError(str(error)) from error


def session(weights: bytes, provider: str, threads: int, *, strict: bool) -> onnxruntime.InferenceSession:
    """A session on this provider; `strict` forbids nodes on the CPU.

    Raises:
        PartlyOnCpu: `strict` is set and some nodes would run on the CPU.
        BackendError: the session cannot be created.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would take CPU time from decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    if strict:
        options.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
    try:
        return onnxruntime.InferenceSession(weights, options, providers=[provider])
    except Exception as error:  # as above
        if strict and "assigned to the default CPU EP" in str(error):
            raise PartlyOnCpu(str(error)) from error
        raise BackendError(f"cannot create a session on {provider}: {error}") from error


def _failure(name: str, error: Exception) -> BackendError:
    kind = OutOfMemory if isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) else BackendError
    return kind(f"{name} failed: {error}")
