"""TensorRT by its own API, from `tensorrt` or `tensorrt_rtx`: graph → engine → cache → device → `Backend`."""
