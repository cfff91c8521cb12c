"""From a model to a serving engine, precision by precision, with real builds and a fake GPU."""

import json
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelManifest
from runners.backend import BackendError, OutOfMemory, Pixels, load_backend
from runners.golden import Golden, Infer, golden
from runners.ort_backend import OrtBackend
from runners.tensorrt.backend import EngineFactory, TensorRtBackend, default_limit, precisions
from runners.tensorrt.cache import EngineCache
from runners.tensorrt.device import DeviceLost
from runners.tensorrt.device_losses import DeviceLosses
from tests.fakes.gpu import FakeGpu
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, deform_conv, save
from tests.shipped import SHIPPED

trt: ModuleType = pytest.importorskip(
    "tensorrt_rtx_bindings", reason="`make setup` installs requirements/tensorrt-check.txt"
)


@pytest.fixture
def small(tmp_path: Path) -> ModelManifest:
    """A third-party model of 32 px, without an fp16 file and without stored alphas."""
    file = save(tmp_path, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    return import_model(
        file, "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), tmp_path / "models"
    )


def _reference(manifest: ModelManifest) -> Infer:
    return OrtBackend(manifest, device="cpu", threads=1).infer


def _workshop(folder: Path, gpu: FakeGpu, **more: Any) -> EngineFactory:
    def known(manifest: ModelManifest) -> Golden:
        return golden(manifest, lambda: _reference(manifest), folder)

    ended: list[int] = []
    losses = DeviceLosses(folder / "losses.json", exit_process=ended.append)
    return EngineFactory(trt, gpu, EngineCache(folder), known, losses, **({"max_batch": 3} | more))


def _darker(alphas: Pixels) -> Pixels:
    return alphas // 2


def _sidecars(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def test_the_shipped_model_runs_in_fp16(tmp_path: Path) -> None:
    gpu = FakeGpu(SHIPPED)
    backend = _workshop(tmp_path, gpu).backend(SHIPPED)
    assert (backend.name, backend.max_batch, backend.device) == ("tensorrt-fp16", 3, "cuda")
    assert set(gpu.opened[0].batches) == {1, 3}, "the gate asks alone and in full batches"
    [sidecar] = _sidecars(tmp_path)
    assert {"precision": "fp16", "gpu": "Fake GPU", "error": None}.items() <= sidecar.items()
    assert sidecar["golden"].startswith("mean 0.0")


def test_it_passes_the_probe(tmp_path: Path) -> None:
    engine_factory = _workshop(tmp_path, FakeGpu(SHIPPED))
    assert load_backend(("tensorrt",), SHIPPED, {"tensorrt": engine_factory.backend}).name == "tensorrt-fp16"


def test_more_images_than_the_limit_run_in_several_batches(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small)
    backend = _workshop(tmp_path, gpu).backend(small)
    pictures = np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3), np.uint8)
    del gpu.opened[0].batches[:]
    np.testing.assert_array_equal(backend.infer(pictures), _reference(small)(pictures))
    assert gpu.opened[0].batches == [3, 3, 1]
    with pytest.raises(BackendError, match="images must be uint8"):
        backend.infer(pictures[:, 1:])


def test_a_model_without_an_fp16_file_starts_with_tf32(small: ModelManifest) -> None:
    assert [precision for precision, _, _ in precisions(small)] == ["tf32", "fp32"]
    assert [precision for precision, _, _ in precisions(SHIPPED)] == ["fp16", "tf32", "fp32"]


def test_after_a_failed_gate_a_higher_precision_is_used_and_recorded(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small, changes=(_darker,))
    assert _workshop(tmp_path, gpu).backend(small).name == "tensorrt-fp32"
    assert gpu.opened[0].closed
    again = FakeGpu(small)
    assert _workshop(tmp_path, again).backend(small).name == "tensorrt-fp32"
    assert len(again.opened) == 1


def test_when_no_precision_passes_every_reason_is_reported(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small, changes=(_darker, _darker))
    with pytest.raises(BackendError, match=r"tf32: golden images .* too far .*; fp32: golden"):
        _workshop(tmp_path, gpu).backend(small)
    assert all(engine.closed for engine in gpu.opened)


def test_errors_in_full_batches_only_fail_the_gate(tmp_path: Path, small: ModelManifest) -> None:
    def wrong_when_full(alphas: Pixels) -> Pixels:
        return alphas if len(alphas) < 3 else alphas[::-1]

    gpu = FakeGpu(small, changes=(wrong_when_full,))
    assert _workshop(tmp_path, gpu).backend(small).name == "tensorrt-fp32"


def test_an_unreadable_plan_is_rebuilt_once(tmp_path: Path, small: ModelManifest) -> None:
    _workshop(tmp_path, FakeGpu(small)).backend(small)
    assert _workshop(tmp_path, FakeGpu(small, refusals=1)).backend(small).name == "tensorrt-tf32"
    assert len(list(tmp_path.glob("*.bad"))) == 1


def test_a_new_plan_that_is_unreadable_rejects_the_precision(tmp_path: Path, small: ModelManifest) -> None:
    with pytest.raises(BackendError, match=r"tf32: the plan was made .*; fp32: the plan was made"):
        _workshop(tmp_path, FakeGpu(small, refusals=4)).backend(small)


def test_another_graph_gpu_or_limit_is_another_engine(tmp_path: Path, small: ModelManifest) -> None:
    engine_factory = _workshop(tmp_path, FakeGpu(small))
    other_gpu = FakeGpu(small)
    other_gpu.name = "Another GPU"
    keys = {
        each.key(manifest, "tf32", content).name
        for each in (engine_factory, replace(engine_factory, max_batch=8), replace(engine_factory, device=other_gpu))
        for manifest, content in ((small, small.weights()), (SHIPPED, SHIPPED.weights()))
    }
    assert len(keys) == 6


def test_is_built_reports_a_cached_engine(tmp_path: Path, small: ModelManifest) -> None:
    engine_factory = _workshop(tmp_path, FakeGpu(small))
    assert not engine_factory.is_built(small)
    engine_factory.backend(small).close()
    assert engine_factory.is_built(small)


def test_one_image_per_run_fixes_the_batch(tmp_path: Path) -> None:
    file = save(tmp_path, conv(), outputs={"logits": (1, 1, SIZE, SIZE)})
    facts = GraphHints(MEAN, STD, batch="one")
    single = import_model(file, "single", facts, Source("a test's", "MIT", commercial=True), tmp_path / "models")
    backend: TensorRtBackend = _workshop(tmp_path, FakeGpu(single)).backend(single)
    assert backend.max_batch == 1


@pytest.mark.parametrize(("size", "limit"), [(320, 32), (384, 32), (512, 18), (1024, 4), (2048, 1), (4096, 1)])
def test_the_default_limit_depends_on_memory(size: int, limit: int) -> None:
    assert default_limit(size) == limit


def test_out_of_memory_lowers_the_limit(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small)
    gpu.room = 5
    backend = _workshop(tmp_path, gpu, max_batch=16).backend(small)
    assert (backend.name, backend.max_batch) == ("tensorrt-tf32", 4)


def test_out_of_memory_is_not_recorded_as_a_rejection(tmp_path: Path, small: ModelManifest) -> None:
    full = FakeGpu(small)
    full.room = 0
    with pytest.raises(BackendError, match="no memory for 1 pictures"):
        _workshop(tmp_path, full).backend(small)
    assert _workshop(tmp_path, FakeGpu(small)).backend(small).max_batch == 3


def test_a_gpu_lost_during_the_gate_ends_the_process(tmp_path: Path, small: ModelManifest) -> None:
    """Every other use of CUDA would fail in this process too."""

    def lost(_: Pixels) -> Pixels:
        raise DeviceLost("cudaErrorLaunchFailure")

    ended: list[int] = []
    losses = DeviceLosses(tmp_path / "losses.json", exit_process=ended.append)
    with pytest.raises(BackendError, match="cudaErrorLaunchFailure"):
        replace(_workshop(tmp_path, FakeGpu(small, changes=(lost, lost))), losses=losses).backend(small)
    assert ended
    assert not [each for each in _sidecars(tmp_path) if "refused" in each]


def test_a_lost_gpu_ends_the_process_and_two_losses_disable_tensorrt(tmp_path: Path, small: ModelManifest) -> None:
    picture = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    ended: list[int] = []
    losses = DeviceLosses(tmp_path / "losses.json", exit_process=ended.append)
    for _ in range(2):
        gpu = FakeGpu(small)
        backend = replace(_workshop(tmp_path, gpu), losses=losses).backend(small)
        gpu.opened[0].fails_with = OutOfMemory("no room")
        with pytest.raises(OutOfMemory):
            backend.infer(picture)
        gpu.opened[0].fails_with = DeviceLost("cudaErrorIllegalAddress")
        with pytest.raises(DeviceLost):
            backend.infer(picture)
    assert ended == [1, 1]
    with pytest.raises(BackendError, match="the GPU was lost 2 times within 10 minutes"):
        _workshop(tmp_path, FakeGpu(small)).backend(small)
    (tmp_path / "losses.json").write_text(json.dumps([0.0, 1.0]))
    _workshop(tmp_path, FakeGpu(small)).backend(small).close()


def test_forget_allows_a_rejected_engine_again(tmp_path: Path, small: ModelManifest) -> None:
    """`build --force`."""
    refused = _workshop(tmp_path, FakeGpu(small, changes=(_darker, _darker)))
    with pytest.raises(BackendError, match="too far"):
        refused.backend(small)
    engine_factory = _workshop(tmp_path, FakeGpu(small))
    engine_factory.forget(small)
    assert not engine_factory.is_built(small)
    backend = engine_factory.backend(small)
    assert backend.name == "tensorrt-tf32"
    facts = engine_factory.facts(small, backend.name)
    assert (facts["precision"], facts["gpu"]) == ("tf32", "Fake GPU")


def test_parse_finds_unsupported_operations(tmp_path: Path, small: ModelManifest) -> None:
    """`verify --quick`, which a configured backend must pass before the service starts."""
    _workshop(tmp_path, FakeGpu(small)).parse(small)
    file = save(tmp_path, deform_conv(), opset=19)
    papers = Source("a test's", "MIT", commercial=True)
    deformable = import_model(file, "deformable", GraphHints(MEAN, STD), papers, tmp_path / "models")
    with pytest.raises(BackendError, match="cannot parse the graph: DeformConv"):
        _workshop(tmp_path, FakeGpu(small)).parse(deformable)
    assert not list(tmp_path.glob("*.engine"))
