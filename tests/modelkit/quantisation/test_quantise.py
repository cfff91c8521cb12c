"""The command on the shipped network, with few pictures."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image
from typer.testing import CliRunner, Result

from modelkit.__main__ import app
from modelkit.quantisation.near_colours import near_colours
from modelkit.quantisation.pictures import from_folder, made
from modelkit.quantisation.quantise import check, quantise, side
from models.manifest import ModelError
from tests import shipped
from tests.imaging.samples import scene

SHIPPED = shipped.SHIPPED.path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["quantise", *map(str, arguments)], env={"COLUMNS": "200"})


@pytest.fixture(scope="module")
def quantised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("int8") / "new/int8.onnx"
    result = run(SHIPPED, out, "--pictures", "6")
    assert result.exit_code == 0, result.output
    assert "Calibrated on 6 made pictures" in result.output
    return out


def test_it_is_smaller_of_the_same_form_and_near_to_the_original(quantised: Path) -> None:
    before, after = onnx.load(SHIPPED), onnx.load(quantised)
    assert quantised.stat().st_size < 0.4 * SHIPPED.stat().st_size
    assert [each.version for each in after.opset_import if not each.domain] == [17]
    assert [each.SerializeToString() for each in after.graph.input] == [
        each.SerializeToString() for each in before.graph.input
    ]
    assert side(after) == side(before)
    assert check(SHIPPED, quantised.read_bytes(), made(side(before), 6)).mean < 20


def test_the_same_pictures_give_the_same_bytes(quantised: Path, tmp_path: Path) -> None:
    assert run(SHIPPED, tmp_path / "again.onnx", "--pictures", "6").exit_code == 0
    assert (tmp_path / "again.onnx").read_bytes() == quantised.read_bytes()


def test_what_is_named_stays_float_with_all_between() -> None:
    pictures = made(side(onnx.load(SHIPPED)), 3)
    content = quantise(SHIPPED, pictures, keep=["/encoder/stem/", "/encoder/blocks.0/"], reduce_range=False)
    graph = onnx.load_from_string(content).graph
    producers = {name: node.op_type for node in graph.node for name in node.output}
    named = [node for node in graph.node if node.name.startswith(("/encoder/stem/", "/encoder/blocks.0/"))]
    kept = [node for node in named if node.op_type not in ("QuantizeLinear", "DequantizeLinear")]
    assert [node.op_type for node in kept] == ["Conv", "Clip", "Conv", "Clip", "Conv"]
    assert "DequantizeLinear" not in {producers.get(name) for node in kept for name in node.input}
    others = [node for node in graph.node if node.op_type == "Conv" and node not in kept]
    assert {producers[node.input[1]] for node in others} == {"DequantizeLinear"}


def test_a_name_that_no_node_has_is_told() -> None:
    with pytest.raises(ModelError, match="No node's name begins with '/encoder/root'"):
        quantise(SHIPPED, made(384, 1), keep=["/encoder/root"], reduce_range=False)


def _cutouts(folder: Path) -> None:
    """Four discs, two of each colour."""
    rows, columns = np.ogrid[:64, :64]
    disc = np.where((rows - 32) ** 2 + (columns - 32) ** 2 < 400, 255, 0)
    for place, colour in enumerate([(240, 240, 236), (20, 24, 30)] * 2):
        rgba = np.dstack([np.full((64, 64, 3), colour), disc]).astype(np.uint8)
        Image.fromarray(rgba).save(folder / f"{place}.png")


def test_cutouts_come_on_grounds_of_almost_their_own_colour(tmp_path: Path) -> None:
    _cutouts(tmp_path)
    shown = near_colours(tmp_path, 48, 4)
    assert np.array_equal(shown, near_colours(tmp_path, 48, 4))
    assert len(near_colours(tmp_path, 48, 2)) == 2
    for picture in shown.astype(int):
        subject, ground = picture[20:28, 20:28].mean(axis=(0, 1)), picture[20:28, :4].mean(axis=(0, 1))
        assert 1 < np.abs(subject - ground).max() < 28


def test_what_is_no_cutout_is_told(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="holds no cut-out"):
        near_colours(tmp_path, 48, 2)
    Image.fromarray(scene(60, 40)).save(tmp_path / "opaque.png")
    with pytest.raises(ModelError, match="without alpha is not a cut-out"):
        near_colours(tmp_path, 48, 2)


def test_pictures_of_a_folder_are_used(tmp_path: Path) -> None:
    for place in range(5):
        Image.fromarray(scene(60, 40, seed=place)).save(tmp_path / f"{place}.jpg", quality=95)
    Image.fromarray(scene(60, 40)).save(tmp_path / "alpha.png")
    shown = from_folder(tmp_path, 32, 3)
    assert shown.shape == (3, 32, 32, 3)
    assert len(from_folder(tmp_path, 32, 99)) == 5
    assert not np.array_equal(shown[0], shown[1])


def test_made_pictures_are_always_the_same_and_differ_from_each_other() -> None:
    first, second = made(48, 3), made(48, 3)
    assert first.dtype == np.uint8
    assert np.array_equal(first, second)
    assert np.abs(first[0].astype(int) - first[1]).mean() > 10


def test_what_is_not_of_our_form_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no network")
    foreign = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "foreign",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 3, 32, 32])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", 3, 32, 32])],
    )
    onnx.save(helper.make_model(foreign), tmp_path / "foreign.onnx")
    faults = {"text.onnx": "cannot be read as ONNX", "foreign.onnx": "are not uint8", "none.onnx": "cannot be read"}
    for name, fault in faults.items():
        result = run(tmp_path / name, tmp_path / "out.onnx")
        assert result.exit_code == 1
        assert fault in result.output
        assert not (tmp_path / "out.onnx").exists()
    result = run(SHIPPED, tmp_path / "out.onnx", "--calibrate", tmp_path)
    assert result.exit_code == 1
    assert "holds no JPEG" in result.output


def constant(level: int) -> bytes:
    """A network of our form that answers every picture alike."""
    size = side(onnx.load(SHIPPED))
    nodes = [
        helper.make_node("ReduceMax", ["image"], ["brightest"], axes=[3], keepdims=0),
        helper.make_node("Cast", ["brightest"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Clip", ["float", "level", "level"], ["even"]),
        helper.make_node("Cast", ["even"], ["alpha"], to=TensorProto.UINT8),
    ]
    graph = helper.make_graph(
        nodes,
        "constant",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", size, size, 3])],
        [helper.make_tensor_value_info("alpha", TensorProto.UINT8, ["N", size, size])],
        [helper.make_tensor("level", TensorProto.FLOAT, [], [level])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def test_a_network_that_lost_itself_is_refused() -> None:
    with pytest.raises(ModelError, match="the same alpha"):
        check(SHIPPED, constant(7), made(side(onnx.load(SHIPPED)), 3))
