"""Which backend a machine gets: the best that proves itself, or the one that was named and no other."""

from pathlib import Path

import onnxruntime  # type: ignore[import-untyped]
import pytest
from structlog.testing import capture_logs

from runners.backend import NoBackend
from runners.choice import ORDER, Choice
from tests.shipped import CPU_BACKEND, SHIPPED

pytestmark = pytest.mark.skipif(
    "CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this machine may have a GPU"
)


def test_auto_takes_the_best_that_proves_itself_and_says_why_not_the_others(tmp_path: Path) -> None:
    with capture_logs() as logs:
        backend = Choice("auto", threads=1, engines=tmp_path).load(SHIPPED)
    assert backend.name == CPU_BACKEND
    [accepted] = [each for each in logs if each["event"] == "backend_accepted"]
    assert (accepted["backend"], list(accepted["refused"])) == (CPU_BACKEND, ["tensorrt", "cuda"])
    backend.close()


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("tensorrt", r"Install requirements/tensorrt.txt|nvidia-smi"), ("cuda", r"Install requirements/gpu.txt")],
)
def test_a_named_one_that_cannot_run_is_refused_with_the_remedy(name: str, remedy: str, tmp_path: Path) -> None:
    assert name in ORDER
    choice = Choice(name, threads=1, engines=tmp_path)
    with pytest.raises(NoBackend, match=rf"No backend can run .* {name}: .*({remedy})"):
        choice.load(SHIPPED)


def test_where_tensorrt_cannot_run_there_is_nothing_to_build(tmp_path: Path) -> None:
    assert not Choice("auto", threads=1, engines=tmp_path).has_to_build(SHIPPED)
    assert not Choice("cpu", threads=1, engines=tmp_path).has_to_build(SHIPPED)
    assert Choice("tensorrt", threads=1, engines=tmp_path).load_meanwhile(SHIPPED) is None
