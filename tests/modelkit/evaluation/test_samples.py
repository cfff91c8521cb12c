from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelkit.evaluation.errors import EvaluationError
from modelkit.evaluation.samples import find_samples
from tests.modelkit.evaluation.scenes import disc, write_pair
from training.render.batch import SCENES, Task, make
from training.render.tests.disc_renderer import Disc, DiscRenderer


def test_a_picture_and_its_alpha_make_a_sample(tmp_path: Path) -> None:
    write_pair(tmp_path, "car_1", disc(30))
    Image.new("RGB", (8, 8)).save(tmp_path / "without-alpha.jpg")
    [sample] = find_samples([tmp_path])
    picture, truth = sample.read()
    assert (sample.name, sample.group) == ("car_1", "cars")
    assert (picture.width, picture.height) == (96, 96)
    assert np.array_equal(truth, disc(30))


def test_groups_are_sets_or_categories_or_others(tmp_path: Path) -> None:
    for name in ("am_1", "c1k_1", "pymatting_1", "feralcat_1.rf.2", "shop_1", "loose"):
        write_pair(tmp_path, name, disc(30))
    (tmp_path / "manifest.csv").write_text("file,category\nshop_1.jpg,products\nam_1.jpg,hair\n")
    groups = {sample.name: sample.group for sample in find_samples([tmp_path])}
    assert groups == {
        "am_1": "soft",
        "c1k_1": "soft",
        "pymatting_1": "soft",
        "feralcat_1.rf.2": "cats",
        "shop_1": "products",
        "loose": "others",
    }


def test_a_limit_is_spread_over_the_folder(tmp_path: Path) -> None:
    for number in range(6):
        write_pair(tmp_path, f"x{number}", disc(30))
    assert [sample.name for sample in find_samples([tmp_path], 3)] == ["x0", "x2", "x4"]
    assert len(find_samples([tmp_path], 9)) == 6


def test_alpha_may_be_the_alpha_of_a_cut_out(tmp_path: Path) -> None:
    write_pair(tmp_path, "cut", disc(30))
    Image.merge("LA", [Image.new("L", (96, 96), 77), Image.fromarray(disc(20))]).save(tmp_path / "cut.png")
    [sample] = find_samples([tmp_path])
    assert np.array_equal(sample.read()[1], disc(20))


def test_alpha_of_another_size_is_refused(tmp_path: Path) -> None:
    write_pair(tmp_path, "odd", disc(30))
    Image.new("L", (95, 96)).save(tmp_path / "odd.png")
    with pytest.raises(EvaluationError, match=r"odd\.png is not of the size of odd\.jpg"):
        find_samples([tmp_path])[0].read()


def test_a_damaged_picture_is_named(tmp_path: Path) -> None:
    write_pair(tmp_path, "broken", disc(30))
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    with pytest.raises(EvaluationError, match=r"broken\.jpg cannot be read"):
        find_samples([tmp_path])[0].read()
    (tmp_path / "broken.jpg").write_text("words")
    with pytest.raises(EvaluationError, match=r"broken\.jpg is not a PNG"):
        find_samples([tmp_path])[0].read()


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="holds no picture with its alpha"):
        find_samples([tmp_path])


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    write_pair(tmp_path / "a", "same", disc(30))
    write_pair(tmp_path / "b", "same", disc(30))
    with pytest.raises(EvaluationError, match="2 pictures called same"):
        find_samples([tmp_path / "a", tmp_path / "b"])


def test_a_rendered_folder_of_scenes_can_be_judged_on(tmp_path: Path) -> None:
    """Beside every scene lies its alpha, as `python -m modelkit evaluate` looks for it."""
    tasks = [Task(number, "vessel", number % 2 == 0) for number in range(6)]
    assert list(make(tasks, tmp_path, DiscRenderer())) == []
    samples = find_samples([tmp_path / SCENES])
    assert [sample.name for sample in samples] == ["00000_vessel", "00002_vessel", "00004_vessel"]
    for number, sample in zip((0, 2, 4), samples, strict=True):
        _, alpha = sample.read()
        assert np.array_equal(alpha, Disc(number, 24, pair=True).rgba[..., 3])
