"""The matting runner, and the API worker's side of it. Knows models only.

What other packages use is listed here; in `runners.client`, the API worker's side; in `runners.matting`, the runner as
a BentoML service; in `runners.inference`, what the tools run networks with; and in `runners.tensorrt.graph`, which
loads onnx. They import nothing from the other modules below.
"""

from runners.config import ModelSpec, RunnerConfig

__all__ = ["ModelSpec", "RunnerConfig"]
