"""While an engine is built, another backend serves or the model reports the build."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from prometheus_client import REGISTRY

from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelManifest
from runners.backend import Pixels
from runners.choice import BackendSetting
from runners.served import ServedModels
from tests.fakes.gpu import BackendChoiceWithGpu, FakeGpu
from tests.modelkit.zoo import graphs
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, save
from tests.waiting import eventually

trt: ModuleType = pytest.importorskip(
    "tensorrt_rtx_bindings", reason="`make setup` installs requirements/tensorrt-check.txt"
)


@pytest.fixture
def small(tmp_path: Path) -> ModelManifest:
    file = save(tmp_path, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    return import_model(
        file, "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), tmp_path / "models"
    )


@pytest.fixture
def gpu(small: ModelManifest) -> Iterator[FakeGpu]:
    gpu = FakeGpu(small)
    yield gpu
    gpu.may_open.set()


def _models(small: ModelManifest, gpu: FakeGpu, engines: Path, wanted: BackendSetting = "auto") -> ServedModels:
    choice = BackendChoiceWithGpu(wanted, trt, gpu, engines)
    return ServedModels([small], choice, max_batch=2, max_wait_s=10, grace_s=0.0)


async def _cut_out(models: ServedModels) -> Pixels:
    return await models.by_name["small"].batcher.infer(graphs.pictures()[0], within_s=10)


def _is_right(alpha: Pixels) -> bool:
    return int(np.abs(alpha.astype(int) - graphs.alpha(graphs.pictures())[0]).max()) <= 1


def _backend_info(backend: str) -> float | None:
    return REGISTRY.get_sample_value("clearcanvas_backend_info", {"model": "small", "backend": backend})


async def test_the_cpu_serves_until_the_engine_is_built(small: ModelManifest, gpu: FakeGpu, tmp_path: Path) -> None:
    gpu.may_open.clear()
    models = _models(small, gpu, tmp_path)
    state = models.by_name["small"].state()
    assert (state.backend, state.fault) == ("onnxruntime-cpu", None)
    assert state.note == "the TensorRT engine is being built (0 s elapsed)"
    assert _is_right(await _cut_out(models))
    assert _backend_info("onnxruntime-cpu") == 1

    gpu.may_open.set()
    await asyncio.to_thread(models.building.join, 30)
    state = models.by_name["small"].state()
    assert (state.backend, state.note) == ("tensorrt-tf32", None)
    assert _is_right(await _cut_out(models))
    assert (_backend_info("tensorrt-tf32"), _backend_info("onnxruntime-cpu")) == (1, 0)
    models.close()


async def test_images_in_progress_finish_on_the_replaced_backend(
    small: ModelManifest, gpu: FakeGpu, tmp_path: Path
) -> None:
    gpu.may_open.clear()
    models = _models(small, gpu, tmp_path)
    held = [asyncio.create_task(_cut_out(models)) for _ in range(20)]
    await asyncio.sleep(0)
    gpu.may_open.set()
    for alpha in await asyncio.gather(*held):
        assert _is_right(alpha)
    await asyncio.to_thread(models.building.join, 30)
    models.close()


async def test_a_cached_engine_serves_from_the_start(small: ModelManifest, gpu: FakeGpu, tmp_path: Path) -> None:
    first = _models(small, gpu, tmp_path)
    await asyncio.to_thread(first.building.join, 30)
    first.close()
    again = _models(small, gpu, tmp_path)
    assert again.by_name["small"].state().backend == "tensorrt-tf32"
    again.close()


async def test_with_tensorrt_only_the_model_reports_the_build(
    small: ModelManifest, gpu: FakeGpu, tmp_path: Path
) -> None:
    gpu.may_open.clear()
    models = _models(small, gpu, tmp_path, "tensorrt")
    assert models.by_name["small"].state().fault == "The matting runner is building the engine (0 s elapsed)."
    gpu.may_open.set()
    assert await asyncio.to_thread(eventually, lambda: models.by_name["small"].state().fault is None)
    assert _is_right(await _cut_out(models))
    models.close()


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("tensorrt", ("none", "No backend can run this model; see engine_build_failed in the runner's log.", None)),
        ("auto", ("onnxruntime-cpu", None, "TensorRT was rejected; see engine_build_failed in the runner's log")),
    ],
)
async def test_a_rejected_engine_is_reported(
    small: ModelManifest,
    gpu: FakeGpu,
    tmp_path: Path,
    wanted: BackendSetting,
    expected: tuple[str | None, ...],
) -> None:
    gpu.changes = [lambda alphas: alphas // 2] * 2
    models = _models(small, gpu, tmp_path, wanted)
    await asyncio.to_thread(models.building.join, 30)
    state = models.by_name["small"].state()
    assert (state.backend, state.fault, state.note) == expected
    models.close()
