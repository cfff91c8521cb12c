"""What the tools run networks with. It is apart from `runners`, because it loads numpy and ONNX Runtime."""

from runners.backend import Backend, BackendError, Pixels, load_backend, probe_image
from runners.golden import GOLDEN_FOLDER, golden_pictures, scaled, store_golden
from runners.ort_backend import OrtBackend

__all__ = [
    "GOLDEN_FOLDER",
    "Backend",
    "BackendError",
    "OrtBackend",
    "Pixels",
    "golden_pictures",
    "load_backend",
    "probe_image",
    "scaled",
    "store_golden",
]
