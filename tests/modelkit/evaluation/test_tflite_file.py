"""TensorFlow Lite files, as far as the repository goes: it holds none, and the development packages no runtime."""

from importlib.util import find_spec
from pathlib import Path

import pytest

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.networks import open_network

has_runtime = find_spec("ai_edge_litert") is not None


@pytest.mark.skipif(has_runtime, reason="the runtime is installed")
def test_the_missing_runtime_is_named(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_text("words")
    with pytest.raises(EvaluationError, match="needs the package ai-edge-litert"):
        open_network(str(tmp_path / "net.tflite"), threads=1)


@pytest.mark.skipif(not has_runtime, reason="the runtime is not installed")
def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.tflite").write_text("words")
    with pytest.raises(EvaluationError, match="cannot be loaded"):
        open_network(str(tmp_path / "net.tflite"), threads=1)
