"""Wrapping: networks of every signature give in our form what they gave by themselves, or are refused with a reason."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto

from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import ModelError, ModelManifest
from runners.backend import load_backend
from runners.ort_backend import OrtBackend
from tests.modelkit.zoo import graphs
from tests.modelkit.zoo.graphs import MEAN, SIZE, STD, constant, conv, node, save
from tests.shipped import NAME, SHIPPED

PAPERS = Source("made by a test", "MIT", commercial=True)
SIGMOID = node("Sigmoid", ["logits"], "p")
DYNAMIC = ("N", 3, SIZE, SIZE)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "models"


def _import(file: Path, store: Path, *, name: str = "network", replace: bool = False, **facts: Any) -> ModelManifest:
    return import_model(file, name, GraphHints(**({"mean": MEAN, "std": STD} | facts)), PAPERS, store, replace=replace)


def _alpha(manifest: ModelManifest, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    backend = OrtBackend(manifest, device="cpu", threads=1)
    try:
        return backend.infer(pictures)
    finally:
        backend.close()


def _is_right(manifest: ModelManifest) -> bool:
    """Whether noise comes out as numpy has it; by float32 against float64 a few pixels round to the next level."""
    pictures = graphs.pictures()
    apart = np.abs(_alpha(manifest, pictures).astype(int) - graphs.alpha(pictures))
    return int(apart.max()) <= 1 and float(apart.mean()) < 0.01


def test_logits_of_planes_of_colour(tmp_path: Path, store: Path) -> None:
    manifest = _import(save(tmp_path, conv(), taken=DYNAMIC, outputs={"logits": ("N", 1, SIZE, SIZE)}), store)
    assert manifest.origin
    assert (manifest.origin.layout, manifest.origin.values, manifest.batch) == ("NCHW", "logits", "any")
    assert manifest.origin.checked.startswith("run with onnxruntime")
    assert _is_right(manifest)


def test_probabilities_of_interleaved_colour(tmp_path: Path, store: Path) -> None:
    nodes = [*graphs.matmul(), SIGMOID]
    file = save(tmp_path, nodes, taken=("N", SIZE, SIZE, 3), outputs={"p": ("N", SIZE, SIZE, 1)})
    manifest = _import(file, store)
    assert manifest.origin
    assert (manifest.origin.layout, manifest.origin.values, manifest.batch) == ("NHWC", "probabilities", "any")
    assert _is_right(manifest)


def test_alpha_of_0_to_255(tmp_path: Path, store: Path) -> None:
    nodes = [*conv(), SIGMOID, *constant("top", np.array([255], np.float32)), node("Mul", ["p", "top"], "a")]
    assert _is_right(_import(save(tmp_path, nodes, outputs={"a": (1, 1, SIZE, SIZE)}), store, values="alpha"))


def test_probabilities_that_overshoot_a_little_stay_within_0_to_255(tmp_path: Path, store: Path) -> None:
    stretched = [node("Mul", ["p", "more"], "m"), node("Sub", ["m", "less"], "s")]
    nodes = [
        *conv(),
        SIGMOID,
        *constant("more", np.array([1.018], np.float32)),
        *constant("less", np.array([0.009], np.float32)),
        *stretched,
    ]
    manifest = _import(save(tmp_path, nodes, outputs={"s": None}), store)
    black_and_white = np.stack([np.full((SIZE, SIZE, 3), value, np.uint8) for value in (0, 255)])
    assert [np.unique(each).tolist() for each in _alpha(manifest, black_and_white)] == [[255], [0]]


def test_half_precision(tmp_path: Path, store: Path) -> None:
    file = save(tmp_path, conv(dtype=np.float16), dtype=TensorProto.FLOAT16)
    manifest = _import(file, store)
    pictures = graphs.pictures()
    assert np.abs(_alpha(manifest, pictures).astype(int) - graphs.alpha(pictures)).max() <= 4


def test_a_network_in_our_form_gives_what_it_gave(store: Path) -> None:
    shipped = SHIPPED
    manifest = _import(shipped.path, store, mean=None, std=None)
    assert manifest.origin
    assert manifest.origin.values == "alpha"
    pictures = np.random.default_rng(3).integers(0, 256, (2, 384, 384, 3), dtype=np.uint8)
    np.testing.assert_array_equal(_alpha(manifest, pictures), _alpha(shipped, pictures))


def test_the_service_accepts_what_was_imported(tmp_path: Path, store: Path) -> None:
    _import(save(tmp_path, conv()), store)
    manifest = ModelManifest.load("network", store)
    load_backend(("cpu",), manifest, {"cpu": lambda each: OrtBackend(each, device="cpu", threads=1)}).close()


SEVERAL = {"noise": (1, 1, SIZE, SIZE), "p": (1, 1, SIZE, SIZE), "classes": (1, 21, SIZE, SIZE)}


def _several(folder: Path) -> Path:
    classes = [*constant("c", np.ones((21, 3, 1, 1), np.float32)), node("Conv", ["x", "c"], "classes")]
    return save(folder, [*conv(), SIGMOID, node("Neg", ["logits"], "noise"), *classes], outputs=SEVERAL)


@pytest.mark.parametrize("output", ["p", 1, -2])
def test_the_output_that_is_chosen_is_taken(tmp_path: Path, store: Path, output: int | str) -> None:
    manifest = _import(_several(tmp_path), store, output=output)
    assert manifest.origin
    assert manifest.origin.output == "p"
    assert _is_right(manifest)


@pytest.mark.parametrize(
    ("output", "fault"),
    [
        (None, r"3 outputs; choose one with --output: 0: noise float32 \[1, 1, 32, 32\]; 1: p"),
        ("q", "no output q; it has: 0: noise"),
        (3, "no output 3"),
        ("classes", r"classes float32 \[1, 21, 32, 32\] is not one value for each of 32 x 32 pixels"),
    ],
)
def test_an_output_that_cannot_be_the_alpha_is_refused(
    tmp_path: Path, store: Path, output: int | str | None, fault: str
) -> None:
    with pytest.raises(ModelError, match=fault):
        _import(_several(tmp_path), store, output=output)


def test_a_batch_fixed_in_the_signature_alone_is_freed(tmp_path: Path, store: Path) -> None:
    manifest = _import(save(tmp_path, conv()), store)
    assert manifest.batch == "any"
    assert _is_right(manifest)


def test_shapes_noted_for_a_batch_of_one_are_forgotten(tmp_path: Path, store: Path) -> None:
    file = save(tmp_path, [*conv(target="c"), node("Identity", ["c"], "logits")])
    onnx.save(onnx.shape_inference.infer_shapes(onnx.load(file)), file)
    assert onnx.load(file).graph.value_info
    assert not onnx.load(_import(file, store).path).graph.value_info


def _reshaped() -> list[onnx.NodeProto]:
    return [*conv(target="c"), *constant("s", np.array([1, 1, SIZE, SIZE])), node("Reshape", ["c", "s"], "logits")]


def _mixed() -> list[onnx.NodeProto]:
    """Alone every picture comes out right; together, each gets some of the others."""
    return [
        *conv(target="c"),
        node("ReduceMean", ["c"], "mean", axes=[0], keepdims=1),
        *constant("half", np.array([0.5], np.float32)),
        node("Add", ["c", "mean"], "sum"),
        node("Mul", ["sum", "half"], "logits"),
    ]


@pytest.mark.parametrize("nodes", [_reshaped(), _mixed()], ids=["refuses", "mixes"])
@pytest.mark.parametrize("axes", [(1, 3, SIZE, SIZE), DYNAMIC])
def test_where_only_one_at_a_time_comes_out_right_the_service_gives_one_at_a_time(
    tmp_path: Path, store: Path, nodes: list[onnx.NodeProto], axes: graphs.Axes
) -> None:
    manifest = _import(save(tmp_path, nodes, taken=axes), store)
    assert manifest.batch == "one"
    assert _is_right(manifest)


def test_a_batch_known_to_be_one_is_not_tried(tmp_path: Path, store: Path) -> None:
    assert _import(save(tmp_path, conv()), store, batch="one").batch == "one"


def test_deformable_convolution_runs(tmp_path: Path, store: Path) -> None:
    manifest = _import(save(tmp_path, graphs.deform_conv(), opset=19), store)
    assert manifest.origin
    assert manifest.origin.checked.startswith("run with onnxruntime")
    assert _is_right(manifest)


def test_what_no_runtime_here_runs_is_checked_in_its_form_and_says_so(tmp_path: Path, store: Path) -> None:
    nodes = [node("Mystery", ["x"], "logits", domain="com.example")]
    file = save(tmp_path, nodes, domains=["com.example"])
    with pytest.raises(ModelError, match=r"cannot be run here \(.*Mystery.*say what its output holds: --values"):
        _import(file, store)
    manifest = _import(file, store, values="logits")
    assert manifest.origin
    assert manifest.origin.checked.startswith("the graph's form only; onnxruntime")
    assert manifest.batch == "one"
    ends = onnx.load(manifest.path).graph
    assert [each.name for each in (*ends.input, *ends.output)] == ["image", "alpha"]


@pytest.mark.parametrize("opset", [8, 11, 13, 19])
def test_old_and_new_opsets(tmp_path: Path, store: Path, opset: int) -> None:
    assert _is_right(_import(save(tmp_path, conv(), opset=opset), store))


def test_any_size_is_fixed(tmp_path: Path, store: Path) -> None:
    file = save(tmp_path, conv(), taken=("N", 3, "H", "W"), outputs={"logits": ("N", 1, "H", "W")})
    with pytest.raises(ModelError, match="takes any size; say which one with --size"):
        _import(file, store)
    manifest = _import(file, store, size=48)
    assert manifest.input.size == manifest.output.size == 48
    assert _alpha(manifest, np.zeros((2, 48, 48, 3), np.uint8)).shape == (2, 48, 48)


@pytest.mark.parametrize(
    ("taken", "facts", "fault"),
    [
        ((1, 3, 32, 48), {}, "is not square"),
        ((4, 3, 32, 32), {}, "takes 4 pictures at a time"),
        ((1, 1, 32, 32), {}, "does not show where its colours are; say --layout"),
        ((1, 3072), {}, "is not one of colour pictures"),
        (None, {}, "does not show where its colours are; say --layout"),
        ((1, 3, 32, 32), {"size": 64}, "one size only; --size 64"),
        ((1, 3, 32, 32), {"input": "y"}, r"no input y; it has: 0: x float32 \[1, 3, 32, 32\]"),
        ((1, 3, 32, 32), {"mean": None}, "Say what the network was trained with, --mean and --std"),
        ((1, 3, 32, 32), {"std": (0.5, 0.0, 0.5)}, "--std cannot be 0"),
    ],
)
def test_a_signature_that_is_not_ours_to_guess_is_refused(
    tmp_path: Path, store: Path, taken: graphs.Axes | None, facts: dict[str, Any], fault: str
) -> None:
    with pytest.raises(ModelError, match=fault):
        _import(save(tmp_path, conv(), taken=taken), store, **facts)
    assert not store.exists()


def test_a_shapeless_input_is_taken_by_word(tmp_path: Path, store: Path) -> None:
    file = save(tmp_path, conv(), taken=None, outputs={"logits": None})
    assert _is_right(_import(file, store, layout="NCHW", size=SIZE))


def test_an_old_graph_is_refused_with_the_way_out(tmp_path: Path, store: Path) -> None:
    with pytest.raises(ModelError, match="opset 7; convert it to 8 or later"):
        _import(save(tmp_path, conv(), opset=7), store)


@pytest.mark.parametrize(
    ("nodes", "output", "values", "fault"),
    [
        ([*conv(), SIGMOID], "p", "logits", "probabilities, not logits"),
        (conv(), "logits", "probabilities", "not probabilities, perhaps logits"),
        ([*conv(), SIGMOID], "p", "alpha", "not an alpha of 0 to 255"),
        ([*conv("x", "c"), node("Sub", ["c", "c"], "same")], "same", None, "different pictures get the same alpha"),
        ([node("RandomUniformLike", ["x"], "r"), *conv("r", "c")], "c", None, "another alpha than the network itself"),
        ([*conv("x", "c"), node("Sqrt", ["c"], "nan")], "nan", None, "not finite"),
        ([*conv("x", "c"), node("ReduceMean", ["c"], "m", axes=[2])], "m", None, r"came out as \[1, 1, 1, 32\]"),
    ],
)
def test_what_comes_out_is_judged(
    tmp_path: Path, store: Path, nodes: list[onnx.NodeProto], output: str, values: str | None, fault: str
) -> None:
    with pytest.raises(ModelError, match=fault):
        _import(save(tmp_path, nodes, outputs={output: None}), store, values=values)
    assert not store.exists()


@pytest.mark.parametrize("content", [b"", b"no network at all", b"\x00" * 100])
def test_what_is_no_network_is_refused(tmp_path: Path, store: Path, content: bytes) -> None:
    file = tmp_path / "network.onnx"
    file.write_bytes(content)
    with pytest.raises(ModelError, match="is not an ONNX file"):
        _import(file, store)


def test_a_file_that_is_not_there_is_named(tmp_path: Path, store: Path) -> None:
    with pytest.raises(ModelError, match=r"network\.onnx cannot be read: No such file"):
        _import(tmp_path / "network.onnx", store)


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        (NAME, "a shipped model"),
        ("../matting", "is not a valid name"),
        ("Big", "is not a valid name"),
        ("", "is not a valid name"),
    ],
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, store: Path, name: str, fault: str) -> None:
    with pytest.raises(ModelError, match=fault):
        _import(save(tmp_path, conv()), store, name=name)


def test_a_model_is_replaced_only_on_request_and_then_whole(tmp_path: Path, store: Path) -> None:
    first = _import(save(tmp_path, conv()), store)
    other = save(tmp_path, [*conv(), SIGMOID], outputs={"p": None})
    with pytest.raises(ModelError, match="a model network already; --replace"):
        _import(other, store)
    assert ModelManifest.load("network", store) == first
    second = _import(other, store, replace=True)
    assert first.sha256 != second.sha256
    assert sorted(path.name for path in store.iterdir()) == sorted([second.file, "network.toml"])


def test_a_graph_whose_nodes_are_in_no_order_is_sorted(tmp_path: Path, store: Path) -> None:
    """ONNX Runtime runs such files, a widely used IS-Net among them; the format's own check refuses them."""
    file = save(tmp_path, [*conv(), SIGMOID][::-1], outputs={"p": (1, 1, SIZE, SIZE)})
    with pytest.raises(onnx.checker.ValidationError, match="topologically sorted"):
        onnx.checker.check_model(onnx.load(file))
    assert _is_right(_import(file, store))
