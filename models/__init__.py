"""What runs: manifests, their loading, weights. Tools around networks are in modelkit/ and training/.

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

# ONNX Runtime reports its use to its makers from the moment it is imported; whoever imports it has been here before.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
