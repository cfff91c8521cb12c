"""Buffers, padding, captured graphs and cleanup with a fake CUDA on the CPU: no proof for a GPU."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from runners.backend import BackendError, OutOfMemory, Pixels
from runners.tensorrt.cuda_engine import CudaEngine
from runners.tensorrt.device import PlanRefused

pytest.importorskip("cuda.bindings.runtime", reason="`make setup` installs requirements/tensorrt-check.txt")

from tests.fakes.cuda import FULL, FakeCudart, fake_trt

SIDE, LIMIT = 8, 6


def _engine(
    cudart: Any, folder: Path, *, name: str = "tensorrt", plan: bytes = b"plan", output: str = "alpha"
) -> CudaEngine:
    return CudaEngine(
        fake_trt(cudart, name),
        cudart,
        plan,
        tensor_names=("image", output),
        size=SIDE,
        max_batch=LIMIT,
        runtime_cache=folder / "rtx.cache",
    )


def _pictures(count: int, seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (count, SIDE, SIDE, 3), np.uint8)


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt_rtx"])
def test_batches_of_any_size_are_right_and_independent(name: str, tmp_path: Path) -> None:
    """Also when the next batch is smaller and uses the same buffers."""
    engine = _engine(FakeCudart(), tmp_path, name=name)
    found = [(engine(_pictures(count, seed)), _pictures(count, seed)) for seed, count in enumerate((6, 1, 3, 5, 2, 4))]
    for alphas, pictures in found:
        np.testing.assert_array_equal(alphas, pictures[..., 0])


def test_tensorrt_launches_one_captured_graph_per_batch(tmp_path: Path) -> None:
    cudart = FakeCudart()
    engine = _engine(cudart, tmp_path)
    del cudart.launched[:]
    for count in range(1, LIMIT + 1):
        engine(_pictures(count))
    assert cudart.launched == ["graph"] * LIMIT


def test_rtx_captures_by_itself_and_runs_every_size_as_it_is(tmp_path: Path) -> None:
    cudart = FakeCudart()
    engine = _engine(cudart, tmp_path, name="tensorrt_rtx")
    del cudart.launched[:]
    engine(_pictures(3))
    assert cudart.launched == ["copy", "run", "copy"]


def test_rtx_keeps_the_kernels_that_it_compiled(tmp_path: Path) -> None:
    for expected in (b"kernels", b"kernels more"):
        _engine(FakeCudart(), tmp_path, name="tensorrt_rtx").close()
        assert (tmp_path / "rtx.cache").read_bytes() == expected


@pytest.mark.parametrize("name", ["tensorrt", "tensorrt_rtx"])
def test_close_releases_everything(name: str, tmp_path: Path) -> None:
    cudart = FakeCudart()
    engine = _engine(cudart, tmp_path, name=name)
    assert cudart.held
    engine.close()
    assert not cudart.held


def test_an_unreadable_plan_holds_no_memory(tmp_path: Path) -> None:
    cudart = FakeCudart()
    with pytest.raises(PlanRefused, match="TensorRT cannot read the plan"):
        _engine(cudart, tmp_path, plan=b"another version's")
    assert not cudart.held


class _Small(FakeCudart):
    """Has memory for the first buffer alone."""

    def cudaMalloc(self, nbytes: int) -> tuple[Any, int]:  # noqa: N802  # the name is CUDA's
        return (FULL, 0) if len(self.held) > 3 else super().cudaMalloc(nbytes)


def test_out_of_memory_releases_everything(tmp_path: Path) -> None:
    cudart = _Small()
    with pytest.raises(OutOfMemory, match="cudaErrorMemoryAllocation"):
        _engine(cudart, tmp_path)
    assert not cudart.held


def test_an_engine_without_our_tensors_is_rejected(tmp_path: Path) -> None:
    cudart = FakeCudart()
    with pytest.raises(BackendError, match="the engine has no matte"):
        _engine(cudart, tmp_path, output="matte")
    assert not cudart.held
