"""Models that run: manifests, loading, weights. Tools for networks are in modelkit/ and training/.

What other packages use is listed here; they import nothing from the modules below.
"""

import os

from models.manifest import (
    MODELS,
    Colour,
    Gate,
    Layout,
    ModelError,
    ModelManifest,
    Origin,
    Precision,
    Sha256,
    Tensor,
    Values,
)
from models.node_order import sort_nodes
from models.served import check_weights, load_served, may_be_sold

__all__ = [
    "MODELS",
    "Colour",
    "Gate",
    "Layout",
    "ModelError",
    "ModelManifest",
    "Origin",
    "Precision",
    "Sha256",
    "Tensor",
    "Values",
    "check_weights",
    "load_served",
    "may_be_sold",
    "sort_nodes",
]

# Disables ONNX Runtime's telemetry, which starts on import; every importer of ONNX Runtime imports this package first.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
