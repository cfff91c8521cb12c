"""From a model to an engine that serves: precision by precision, with real builds and a GPU that is none."""

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
from runners.tensorrt.backend import TensorRtBackend, Workshop, precisions, usual_limit
from runners.tensorrt.cache import EngineCache
from runners.tensorrt.device import DeviceLost
from runners.tensorrt.losses import Losses
from tests.fakes.gpu import FakeGpu
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, deform_conv, save
from tests.shipped import SHIPPED

trt: ModuleType = pytest.importorskip(
    "tensorrt_rtx_bindings", reason="`make setup` installs requirements/tensorrt-check.txt"
)


@pytest.fixture
def small(tmp_path: Path) -> ModelManifest:
    """A model of others, of 32 px, without fp16 file and without stored alphas."""
    file = save(tmp_path, conv(), taken=("N", 3, SIZE, SIZE), outputs={"logits": ("N", 1, SIZE, SIZE)})
    return import_model(
        file, "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), tmp_path / "models"
    )


def _reference(manifest: ModelManifest) -> Infer:
    return OrtBackend(manifest, device="cpu", threads=1).infer


def _workshop(folder: Path, gpu: FakeGpu, **more: Any) -> Workshop:
    def known(manifest: ModelManifest) -> Golden:
        return golden(manifest, lambda: _reference(manifest), folder)

    ended: list[int] = []
    losses = Losses(folder / "losses.json", ends=ended.append)
    return Workshop(trt, gpu, EngineCache(folder), known, losses, **({"max_batch": 3} | more))


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


def test_it_proves_itself_as_every_backend_has_to(tmp_path: Path) -> None:
    workshop = _workshop(tmp_path, FakeGpu(SHIPPED))
    assert load_backend(("tensorrt",), SHIPPED, {"tensorrt": workshop.backend}).name == "tensorrt-fp16"


def test_more_pictures_than_the_engine_takes_are_run_in_parts(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small)
    backend = _workshop(tmp_path, gpu).backend(small)
    pictures = np.random.default_rng(0).integers(0, 256, (7, SIZE, SIZE, 3), np.uint8)
    del gpu.opened[0].batches[:]
    np.testing.assert_array_equal(backend.infer(pictures), _reference(small)(pictures))
    assert gpu.opened[0].batches == [3, 3, 1]
    with pytest.raises(BackendError, match="pictures are uint8"):
        backend.infer(pictures[:, 1:])


def test_a_model_without_an_fp16_file_begins_with_tf32(small: ModelManifest) -> None:
    assert [precision for precision, _, _ in precisions(small)] == ["tf32", "fp32"]
    assert [precision for precision, _, _ in precisions(SHIPPED)] == ["fp16", "tf32", "fp32"]


def test_who_fails_the_gate_gives_way_to_a_higher_precision_and_is_not_tried_again(
    tmp_path: Path, small: ModelManifest
) -> None:
    gpu = FakeGpu(small, changes=(_darker,))
    assert _workshop(tmp_path, gpu).backend(small).name == "tensorrt-fp32"
    assert gpu.opened[0].closed
    again = FakeGpu(small)
    assert _workshop(tmp_path, again).backend(small).name == "tensorrt-fp32"
    assert len(again.opened) == 1


def test_when_no_precision_passes_every_reason_is_told(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small, changes=(_darker, _darker))
    with pytest.raises(BackendError, match=r"tf32: on the golden pictures .* too far .*; fp32: on the golden"):
        _workshop(tmp_path, gpu).backend(small)
    assert all(engine.closed for engine in gpu.opened)


def test_what_fails_in_full_batches_alone_fails_the_gate(tmp_path: Path, small: ModelManifest) -> None:
    def wrong_when_full(alphas: Pixels) -> Pixels:
        return alphas if len(alphas) < 3 else alphas[::-1]

    gpu = FakeGpu(small, changes=(wrong_when_full,))
    assert _workshop(tmp_path, gpu).backend(small).name == "tensorrt-fp32"


def test_a_plan_that_cannot_be_read_is_built_anew_once(tmp_path: Path, small: ModelManifest) -> None:
    _workshop(tmp_path, FakeGpu(small)).backend(small)
    assert _workshop(tmp_path, FakeGpu(small, refusals=1)).backend(small).name == "tensorrt-tf32"
    assert len(list(tmp_path.glob("*.bad"))) == 1


def test_a_plan_that_is_refused_when_it_is_new_ends_the_precision(tmp_path: Path, small: ModelManifest) -> None:
    with pytest.raises(BackendError, match=r"tf32: the plan was made .*; fp32: the plan was made"):
        _workshop(tmp_path, FakeGpu(small, refusals=4)).backend(small)


def test_another_graph_gpu_or_limit_is_another_engine(tmp_path: Path, small: ModelManifest) -> None:
    workshop = _workshop(tmp_path, FakeGpu(small))
    other_gpu = FakeGpu(small)
    other_gpu.name = "Another GPU"
    keys = {
        each.key(manifest, "tf32", content).name
        for each in (workshop, replace(workshop, max_batch=8), replace(workshop, device=other_gpu))
        for manifest, content in ((small, small.weights()), (SHIPPED, SHIPPED.weights()))
    }
    assert len(keys) == 6


def test_one_can_ask_whether_the_engine_is_there(tmp_path: Path, small: ModelManifest) -> None:
    workshop = _workshop(tmp_path, FakeGpu(small))
    assert not workshop.is_built(small)
    workshop.backend(small).close()
    assert workshop.is_built(small)


def test_one_picture_per_run_fixes_the_batch(tmp_path: Path) -> None:
    file = save(tmp_path, conv(), outputs={"logits": (1, 1, SIZE, SIZE)})
    facts = GraphHints(MEAN, STD, batch="one")
    single = import_model(file, "single", facts, Source("a test's", "MIT", commercial=True), tmp_path / "models")
    backend: TensorRtBackend = _workshop(tmp_path, FakeGpu(single)).backend(single)
    assert backend.max_batch == 1


@pytest.mark.parametrize(("size", "limit"), [(320, 32), (384, 32), (512, 18), (1024, 4), (2048, 1), (4096, 1)])
def test_where_the_operator_says_nothing_memory_decides(size: int, limit: int) -> None:
    assert usual_limit(size) == limit


def test_without_memory_for_the_limit_the_limit_is_lowered(tmp_path: Path, small: ModelManifest) -> None:
    gpu = FakeGpu(small)
    gpu.room = 5
    backend = _workshop(tmp_path, gpu, max_batch=16).backend(small)
    assert (backend.name, backend.max_batch) == ("tensorrt-tf32", 4)


def test_no_memory_is_no_lasting_refusal(tmp_path: Path, small: ModelManifest) -> None:
    full = FakeGpu(small)
    full.room = 0
    with pytest.raises(BackendError, match="no memory for 1 pictures"):
        _workshop(tmp_path, full).backend(small)
    assert _workshop(tmp_path, FakeGpu(small)).backend(small).max_batch == 3


def test_a_gpu_that_is_lost_while_an_engine_is_accepted_ends_the_process_too(
    tmp_path: Path, small: ModelManifest
) -> None:
    """Whatever else uses CUDA would fail in this process as well."""

    def lost(_: Pixels) -> Pixels:
        raise DeviceLost("cudaErrorLaunchFailure")

    ended: list[int] = []
    losses = Losses(tmp_path / "losses.json", ends=ended.append)
    with pytest.raises(BackendError, match="cudaErrorLaunchFailure"):
        replace(_workshop(tmp_path, FakeGpu(small, changes=(lost, lost))), losses=losses).backend(small)
    assert ended
    assert not [each for each in _sidecars(tmp_path) if "refused" in each]


def test_a_lost_gpu_ends_the_process_and_twice_in_a_row_tensorrt_is_left_alone(
    tmp_path: Path, small: ModelManifest
) -> None:
    picture = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    ended: list[int] = []
    losses = Losses(tmp_path / "losses.json", ends=ended.append)
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


def test_what_was_refused_is_tried_again_when_it_is_forgotten(tmp_path: Path, small: ModelManifest) -> None:
    """`build --force`."""
    refused = _workshop(tmp_path, FakeGpu(small, changes=(_darker, _darker)))
    with pytest.raises(BackendError, match="too far"):
        refused.backend(small)
    workshop = _workshop(tmp_path, FakeGpu(small))
    workshop.forget(small)
    assert not workshop.is_built(small)
    backend = workshop.backend(small)
    assert backend.name == "tensorrt-tf32"
    facts = workshop.facts(small, backend.name)
    assert (facts["precision"], facts["gpu"]) == ("tf32", "Fake GPU")


def test_parsing_alone_finds_what_tensorrt_does_not_know(tmp_path: Path, small: ModelManifest) -> None:
    """`verify --quick`, which a named backend has to pass before anything starts."""
    _workshop(tmp_path, FakeGpu(small)).parse(small)
    file = save(tmp_path, deform_conv(), opset=19)
    papers = Source("a test's", "MIT", commercial=True)
    deformable = import_model(file, "deformable", GraphHints(MEAN, STD), papers, tmp_path / "models")
    with pytest.raises(BackendError, match="cannot parse the graph: DeformConv"):
        _workshop(tmp_path, FakeGpu(small)).parse(deformable)
    assert not list(tmp_path.glob("*.engine"))
