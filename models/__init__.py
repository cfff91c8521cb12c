"""Manifests and weights: what is run. Tools around them stand in folders of their own."""

import os

# ONNX Runtime reports its use to its makers from the moment it is imported; whoever imports it has been here before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
