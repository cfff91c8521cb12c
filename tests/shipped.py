"""The model that a clone serves by default."""

from models.manifest import ModelManifest
from runners.config import RunnerConfig
from runners.precisions import has_vnni

SHIPPED = ModelManifest.load(RunnerConfig().model)
NAME = SHIPPED.name
PERMISSIVE = "clearcanvas-matte-4-permissive"
"""The other model that ships."""
CPU_BACKEND = "onnxruntime-cpu-int8" if has_vnni() else "onnxruntime-cpu"
"""What runs it on this machine's processor."""
