"""Backend selection: the best that passes the probe, or only the configured one."""

from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from runners.backend import NoBackend
from runners.choice import ORDER, BackendChoice
from tests.shipped import CPU_BACKEND, SHIPPED

pytestmark = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this machine may have a GPU"
)


def test_auto_uses_the_best_backend_and_logs_the_rejected_ones(tmp_path: Path) -> None:
    with capture_logs() as logs:
        backend = BackendChoice("auto", threads=1, engines=tmp_path).load(SHIPPED)
    assert backend.name == CPU_BACKEND
    [accepted] = [each for each in logs if each["event"] == "backend_accepted"]
    assert (accepted["backend"], list(accepted["refused"])) == (CPU_BACKEND, ["tensorrt", "cuda"])
    backend.close()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("tensorrt", r"Install requirements/tensorrt.txt|nvidia-smi"), ("cuda", r"Install requirements/gpu.txt")],
)
def test_a_configured_backend_that_cannot_run_is_rejected_with_a_remedy(name: str, remedy: str, tmp_path: Path) -> None:
    assert name in ORDER
    choice = BackendChoice(name, threads=1, engines=tmp_path)
    with pytest.raises(NoBackend, match=rf"No backend can run .* {name}: .*({remedy})"):
        choice.load(SHIPPED)


def test_no_engine_build_is_needed_without_tensorrt(tmp_path: Path) -> None:
    assert not BackendChoice("auto", threads=1, engines=tmp_path).needs_engine_build(SHIPPED)
    assert not BackendChoice("cpu", threads=1, engines=tmp_path).needs_engine_build(SHIPPED)
    assert BackendChoice("tensorrt", threads=1, engines=tmp_path).load_interim(SHIPPED) is None
