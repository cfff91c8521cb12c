"""Tools around the networks that the service runs: get, wrap, judge and quantise them. None of it ships."""

import models  # noqa: F401 - it switches ONNX Runtime's telemetry off before anything here imports ONNX Runtime
