"""The rewritten graphs can be parsed and built by the real TensorRT for RTX, without a GPU.

Execution needs a driver and is not tested here.
"""

from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest
from onnx import NodeProto

from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import MODELS, ModelManifest, Precision
from runners.backend import BackendError
from runners.tensorrt.build import BuildSpec, BuiltEngine, build
from runners.tensorrt.graph import parseable
from tests.modelkit.zoo import graphs
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, conv, matmul, node, save
from tests.shipped import SHIPPED

trt: ModuleType = pytest.importorskip(
    "tensorrt_rtx_bindings", reason="`make setup` installs requirements/tensorrt-check.txt"
)

FOR_TENSORRT: list[tuple[str, Precision]] = [
    (name, precision)
    for name in sorted(path.stem for path in MODELS.glob("*.toml") if not path.stem.endswith("-int8"))
    for precision in ModelManifest.load(name).precisions
    if precision != "int8"
]
"""8-bit files are for CPUs: TensorRT quantises without a zero point, and these have unsigned bytes."""


def test_transposed_bytes_cannot_be_parsed() -> None:
    """The reason for `parseable`. Later exports cast first."""
    with pytest.raises(BackendError, match=r"cannot parse the graph: Transpose /Transpose: .*UInt8"):
        _build(SHIPPED.weights(), size=SHIPPED.input.size)


def _build(content: bytes, *, size: int, max_batch: int = 4, tf32: bool = True) -> BuiltEngine:
    return build(trt, BuildSpec(content, "image", size, max_batch, tf32))


@pytest.mark.parametrize(("name", "precision"), FOR_TENSORRT)
def test_every_shipped_graph_parses_and_builds(name: str, precision: Precision) -> None:
    manifest = ModelManifest.load(name)
    built = _build(parseable(manifest.weights(precision)), size=manifest.input.size)
    assert len(built.plan) > 5_000_000


@pytest.mark.parametrize("tf32", [True, False])
@pytest.mark.parametrize("max_batch", [1, 3, 16])
def test_engines_of_any_batch_limit_can_be_built(max_batch: int, *, tf32: bool, tmp_path: Path) -> None:
    manifest = _adopted(tmp_path, conv())
    assert _build(manifest.weights(), size=SIZE, max_batch=max_batch, tf32=tf32).plan


SIGMOID = node("Sigmoid", ["logits"], "p")


def _adopted(folder: Path, nodes: list[NodeProto], **ends: object) -> ModelManifest:
    file = save(folder, nodes, **ends)  # type: ignore[arg-type]
    return import_model(
        file, "small", GraphHints(MEAN, STD), Source("a test's", "MIT", commercial=True), folder / "models"
    )


@pytest.mark.parametrize(
    ("nodes", "taken", "outputs"),
    [
        (conv(), ("N", 3, SIZE, SIZE), {"logits": ("N", 1, SIZE, SIZE)}),
        (conv(), (1, 3, SIZE, SIZE), {"logits": (1, 1, SIZE, SIZE)}),
        ([*conv(), SIGMOID], ("N", 3, SIZE, SIZE), {"p": ("N", 1, SIZE, SIZE)}),
        ([*matmul(), SIGMOID], ("N", SIZE, SIZE, 3), {"p": ("N", SIZE, SIZE, 1)}),
    ],
)
def test_networks_of_the_catalogues_signatures_build(
    nodes: list[NodeProto], taken: tuple[int | str, ...], outputs: dict[str, tuple[int | str, ...]], tmp_path: Path
) -> None:
    """Logits or probabilities, planes or interleaved, one picture or any number: what `pull` brings into our form."""
    manifest = _adopted(tmp_path, nodes, taken=taken, outputs=outputs)
    limit = 1 if manifest.batch == "one" else 4
    assert _build(manifest.weights(), size=SIZE, max_batch=limit).plan


def test_half_precision_networks_build(tmp_path: Path) -> None:
    file = save(tmp_path, conv(dtype=np.float16), dtype=onnx.TensorProto.FLOAT16)
    facts = GraphHints(MEAN, STD)
    manifest = import_model(file, "half", facts, Source("a test's", "MIT", commercial=True), tmp_path / "models")
    assert _build(manifest.weights(), size=SIZE, max_batch=1).plan


def test_a_deformable_convolution_is_refused_by_name(tmp_path: Path) -> None:
    manifest = _adopted(tmp_path, graphs.deform_conv(), opset=19)
    with pytest.raises(BackendError, match="cannot parse the graph: DeformConv"):
        _build(manifest.weights(), size=SIZE, max_batch=1)


def test_invalid_content_is_rejected() -> None:
    with pytest.raises(BackendError, match="cannot parse the graph"):
        _build(b"no graph", size=SIZE)


def test_progress_is_reported() -> None:
    phases: list[tuple[str, float]] = []
    recipe = BuildSpec(parseable(SHIPPED.weights()), "image", SHIPPED.input.size, 2, tf32=True)
    build(trt, recipe, progress=lambda phase, share: phases.append((phase, share)))
    assert phases
    assert all(0 < share <= 1 for _, share in phases)
