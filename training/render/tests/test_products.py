"""The pictures of products that networks are judged by: nothing of them can be trained on. Runs without Blender."""

import csv
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from training.render import products, studio
from training.render.families import FAMILIES
from training.render.held_out import KINDS, HeldOut
from training.render.rng import Rng
from training.render.scene_object import SceneObject, places

SIDE = 24


class Rendered:
    """Makes a white square on grey; `hopeless`: numbers that never give a usable picture."""

    def __init__(self, *hopeless: int) -> None:
        self.asked: list[int] = []
        self._hopeless = hopeless

    def __call__(self, number: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        self.asked.append(number)
        alpha = np.zeros((SIDE, SIDE), np.uint8)
        alpha[6:18, 6:18] = 255
        scene = np.full((SIDE, SIDE, 3), 100, np.uint8)
        scene[alpha > 0] = 230
        return None if number in self._hopeless else (scene, alpha)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_thing_is_sound_and_follows_from_its_seed(kind: HeldOut) -> None:
    first, again, other = (kind(Rng(seed), "white") for seed in (3, 3, 4))
    assert np.isfinite(first.points()).all()
    assert drawn(first) == drawn(again) != drawn(other)


def drawn(thing: SceneObject) -> str:
    """Shape and looks of a thing as text."""
    return repr([(part.look, places(part).tobytes()) for part in thing.parts])


def test_no_family_has_a_thing_that_is_held_out() -> None:
    trained = {kind.__name__ for family in FAMILIES.values() for kind in family.kinds}
    assert not trained & {kind.__name__ for kind in KINDS}


def test_every_thing_comes_in_different_settings_and_every_setting_comes() -> None:
    rounds = range(products.COUNT // len(KINDS))
    for kind in range(len(KINDS)):
        assert len({studio.setting(kind + turn * len(KINDS)) for turn in rounds}) == len(rounds)
    assert {studio.setting(number) for number in range(products.COUNT)} == set(studio.SETTINGS)


def test_a_near_ground_has_the_colour_of_the_largest_part_within_a_tenth() -> None:
    near = [number for number in range(products.COUNT) if studio.setting(number).ground == "near"]
    assert near
    for number in near:
        scene = studio.compose(number)
        largest = max(scene.thing.parts, key=lambda part: float(np.ptp(places(part), 0).sum()))
        (ground,) = scene.around
        paper, thing = np.array(ground.look.colours[-1]), np.array(largest.look.colours[-1])
        assert (np.abs(paper - thing) <= 0.1 * thing + 0.1 * (thing > 0.9)).all()


def test_a_white_thing_is_shown_light_and_a_black_one_dark() -> None:
    scenes = {number: studio.compose(number) for number in range(len(studio.SETTINGS))}
    for number, scene in scenes.items():
        shown = studio.setting(number)
        if shown.brightness:
            assert shown.brightness[0] <= scene.brightness <= shown.brightness[1]
        assert scene.around


@pytest.mark.parametrize(("burnt", "shown"), [(0.4, True), (0.6, False)])
def test_a_thing_that_is_mostly_burnt_out_is_not_shown(burnt: float, shown: bool) -> None:
    scene, alpha = np.full((100, 100, 3), 200, np.uint8), np.full((100, 100), 255, np.uint8)
    scene[: round(burnt * 100)] = 255
    assert studio.shows(scene, alpha) == shown


def test_a_photograph_is_the_same_each_time_and_near_to_its_scene() -> None:
    scene = np.full((64, 64, 3), 128, np.uint8)
    first, again, other = studio.photographed(1, scene), studio.photographed(1, scene), studio.photographed(2, scene)
    assert first == again != other
    pixels = np.asarray(Image.open(BytesIO(first))).astype(float)
    assert abs(pixels.mean() - 128) < 2
    assert 0.5 < pixels.std() < 8


def test_the_group_is_what_evaluation_reads_and_training_refuses(tmp_path: Path) -> None:
    render = Rendered(2)
    assert list(products.make(tmp_path, render, 4)) == [products.name(number) for number in (0, 1, 3)]
    folder = tmp_path / products.FOLDER
    assert folder.name.startswith("eval")
    with (folder / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == [f"{products.name(number)}.jpg" for number in (0, 1, 3)]
    assert {row["category"] for row in rows} == {"products"}
    assert rows[0]["kind"] == studio.setting(0).kind
    for row in rows:
        alpha = np.asarray(Image.open((folder / row["file"]).with_suffix(".png")))
        assert alpha.shape == np.asarray(Image.open(folder / row["file"])).shape[:2]
        assert set(np.unique(alpha)) == {0, 255}


def test_it_makes_what_is_missing_and_nothing_else(tmp_path: Path) -> None:
    assert products.missing(tmp_path, 3) == 3
    list(products.make(tmp_path, Rendered(), 3))
    assert products.missing(tmp_path, 3) == 0
    (tmp_path / products.FOLDER / f"{products.name(1)}.jpg").unlink()
    render = Rendered()
    assert len(list(products.make(tmp_path, render, 3))) == 3
    assert render.asked == [1]
