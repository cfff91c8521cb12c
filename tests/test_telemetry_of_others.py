"""Libraries that report their use to their makers are told not to before they can."""

import os
import subprocess
import sys
from pathlib import Path

from sandbox.process import ROOT


def test_onnx_runtime_reports_to_nobody(tmp_path: Path) -> None:
    """Its first act would be a database of events to send, under the user's home."""
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    env |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "BENTOML_HOME": str(tmp_path / "bentoml")}
    script = "import service, runners.ort_backend"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True, capture_output=True, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path)]


def test_the_models_tools_neither(tmp_path: Path) -> None:
    env = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    env |= {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)}
    script = "import modelkit.__main__, onnxruntime"
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=env, check=True, capture_output=True, timeout=120)
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in str(path)]
