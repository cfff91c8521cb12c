"""What runs: manifests, their loading, weights. Tools around networks are in modelkit/ and training/."""

import os

# ONNX Runtime reports its use to its makers from the moment it is imported; whoever imports it has been here before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
