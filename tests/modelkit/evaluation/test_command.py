"""The whole command, on a tiny folder with the shipped model."""

import json
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from typer.testing import CliRunner, Result

from cut_out import CutOut
from imaging import ImageFormat, Output, Picture, Pixels, probe
from modelkit.__main__ import app
from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.networks import Network, open_network
from modelkit.evaluation.scores import score
from modelkit.zoo.import_model import GraphHints, Source, import_model
from models.manifest import MODELS
from pipeline import MattingModel
from tests.fakes.backends import Breaking, DiscFinder
from tests.imaging.samples import opaque, saved
from tests.modelkit.evaluation.scenes import disc, picture, write_pair
from tests.modelkit.zoo.graphs import MEAN, STD, conv, save
from tests.shipped import NAME, SHIPPED

WEIGHTS = SHIPPED.path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    for seed, (name, radius) in enumerate({"car_1": 34, "car_2": 26, "shop": 30}.items()):
        write_pair(folder, name, disc(radius), seed=seed)
    return folder


def run(*arguments: str | Path, store: Path | None = None) -> Result:
    """`python -m modelkit evaluate`, beside a folder of pulled and added models, or an empty one."""
    env = {"COLUMNS": "80", "CLEARCANVAS_RUNNER__MODELS_FOLDER": str(store or "/nothing")}
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)], env=env)


def test_networks_are_judged_side_by_side(folder: Path, tmp_path: Path) -> None:
    arguments = ["--model", NAME, "--model", f"{WEIGHTS},name=by-path,close_ups=true", "--cases", "1"]
    result = run(folder, *arguments, "--out", tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert NAME in result.output
    assert "by-path" in result.output
    report = json.loads((tmp_path / "a/report.json").read_text())
    assert report["pictures"] == {"cars": 2, "others": 1, "all": 3}
    described, by_path = report["networks"]
    assert described["groups"] == by_path["groups"]
    assert f"{described['groups']['cars']['iou']:.3f}" in result.output  # no column is cut in a narrow terminal
    assert described["sha256"] == by_path["sha256"]
    assert described["groups"]["all"]["iou"] > 0.9
    with Image.open(tmp_path / "a/sheet.png") as sheet:
        assert sheet.width == 4 * 244  # picture, truth, two networks
    again = run(folder, *arguments, "--out", tmp_path / "b")
    assert again.exit_code == 0
    for name in ("report.json", "sheet.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_pictures_of_the_training_data_are_listed(folder: Path, tmp_path: Path) -> None:
    training = tmp_path / "training"
    training.mkdir()
    with Image.open(folder / "shop.jpg") as image:
        image.resize((200, 200)).save(training / "seen.jpg")
    result = run(folder, "--model", NAME, "--out", tmp_path / "out", "--training-data", training)
    assert result.exit_code == 0, result.output
    assert "shop = seen.jpg" in result.output
    found = json.loads((tmp_path / "out/report.json").read_text())["duplicates"]
    assert "shop" in {each["sample"] for each in found}


def test_a_limit_takes_fewer_pictures(folder: Path, tmp_path: Path) -> None:
    assert run(folder, "--model", NAME, "--out", tmp_path, "--limit", "1").exit_code == 0
    assert json.loads((tmp_path / "report.json").read_text())["pictures"]["all"] == 1


def test_a_network_is_judged_by_several_ways(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--model", NAME, "--variant", "service", "--variant", "letterbox grey", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    names = [each["name"] for each in json.loads((tmp_path / "report.json").read_text())["networks"]]
    assert names == [NAME, f"{NAME}, letterbox grey"]


def test_an_unknown_way_is_told_in_a_line(folder: Path, tmp_path: Path) -> None:
    result = run(folder, "--model", NAME, "--variant", "sideways", "--out", tmp_path)
    assert result.exit_code == 1
    assert "Unknown variant sideways; there are: service, plain" in result.output


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ("matting-v9", "There is no manifest matting-v9.toml"),
        ("missing.onnx", "No such file"),
        (f"{NAME}:int4", "'int4' is not a precision; there are: fp32, fp16, int8"),
        (f"{WEIGHTS},output=3", "has 1 outputs"),
        (f"{WEIGHTS},colour=red", "colour: Extra inputs"),
    ],
)
def test_a_model_that_cannot_be_used_is_told_in_a_line(folder: Path, tmp_path: Path, model: str, fault: str) -> None:
    result = run(folder, "--model", model, "--out", tmp_path)
    assert result.exit_code == 1
    assert fault in result.output
    assert "Traceback" not in result.output


def test_without_models_all_that_ship_and_were_added_are_judged(folder: Path, tmp_path: Path) -> None:
    papers = Source("a test's", "MIT", commercial=True)
    added = import_model(save(tmp_path, conv()), "added", GraphHints(MEAN, STD), papers, tmp_path / "models")
    result = run(folder, "--out", tmp_path / "out", "--limit", "1", store=tmp_path / "models")
    assert result.exit_code == 0, result.output
    networks = json.loads((tmp_path / "out/report.json").read_text())["networks"]
    shipped = {file.stem for file in MODELS.glob("*.toml")}
    others = {f"{NAME}:{precision}" for precision in SHIPPED.precisions if precision != "fp32"}
    assert {each["name"] for each in networks} == shipped | others | {"added"}
    assert [each["sha256"] for each in networks if each["name"] == "added"] == [added.sha256]


def network(backend: DiscFinder) -> Network:
    return Network("fake", "", 64, backend)


def test_a_picture_goes_through_a_network_as_it_does_in_the_service() -> None:
    """Stretched to its square and back: what finds the disc in the small picture cuts it out of the large one."""
    wide = np.repeat(disc(30), 2, axis=1)
    matte = network(DiscFinder()).matte(opaque(picture(wide)))
    assert matte.shape == wide.shape
    assert score(matte, wide).iou > 0.9


def test_a_cut_out_keeps_its_alpha_as_it_does_in_the_service() -> None:
    alpha = disc(20)
    pale = np.dstack([np.full((*alpha.shape, 3), 200, np.uint8), alpha])
    matte = network(DiscFinder()).matte(Picture(pale, has_alpha=True))
    assert (matte == 255).all()


async def test_close_ups_are_those_of_the_service() -> None:
    """The shipped network, its whole way and the service's: the same matte."""
    photograph = np.asarray(cv2.copyMakeBorder(skimage.data.chelsea(), *(150,) * 4, cv2.BORDER_REPLICATE), np.uint8)
    opened = open_network(NAME, threads=1)
    assert opened.close_ups
    matte = opened.matte(opaque(photograph))
    (one_pass,) = opened.by(["one pass"])
    assert not np.array_equal(one_pass.matte(opaque(photograph)), matte)

    async def infer(image: Pixels) -> Pixels:
        return np.asarray(opened.backend.infer(image[None])[0], np.uint8)

    model = MattingModel(infer, opened.size, darken_light=opened.darken_light, close_ups=True)
    body = saved(photograph, ImageFormat.PNG)
    result = await CutOut({NAME: model}, max_megapixels=100, max_wait_s=10)(
        body, probe(body, ImageFormat.PNG, 10_000), Output(ImageFormat.PNG)
    )
    with Image.open(BytesIO(result.body)) as image:
        assert np.array_equal(np.asarray(image)[..., 3], matte)
    opened.backend.close()


def test_a_network_that_fails_is_named() -> None:
    with pytest.raises(EvaluationError, match="fake: out of memory"):
        network(Breaking()).matte(Picture(np.zeros((9, 9, 4), np.uint8), has_alpha=False))


def test_a_file_keeps_its_name_unless_it_is_given_one() -> None:
    opened = open_network(str(WEIGHTS), threads=1)
    assert (opened.name, opened.size) == (WEIGHTS.stem, SHIPPED.input.size)
    opened.backend.close()
