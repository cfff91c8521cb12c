"""What may be trained on, and that what models are judged on never is. Runs without torch."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from training.matting.records import DataError, Kind, find, stated
from training.matting.tests.pictures import data_folder, disc, save
from training.render.batch import Task, make
from training.render.tests.disc_renderer import DiscRenderer


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return data_folder(tmp_path / "data", photos=8)


def test_every_set_is_found_with_what_it_can_be_used_for(data: Path) -> None:
    found = Counter((record.kind, record.group) for record in find(data, permissive_only=False))
    assert found == {
        (Kind.PHOTO, "ccp"): 4, (Kind.PHOTO, "ecssd"): 4, (Kind.PHOTO, "rendered_pairs"): 1,
        (Kind.CUTOUT, "glassware"): 4, (Kind.BACKGROUND, "kodak"): 1,
    }  # fmt: skip


def test_hard_masks_and_people_are_known(data: Path) -> None:
    photos = [record for record in find(data, permissive_only=False) if record.picture.parent.name == "train_real"]
    assert all(record.hard for record in photos)
    assert {record.group for record in photos if record.person} == {"ccp"}


def test_permissive_only_leaves_out_what_has_no_stated_licence(data: Path) -> None:
    every, permissive = (find(data, permissive_only=only) for only in (False, True))
    assert {record.picture.name for record in every} - {record.picture.name for record in permissive} == {
        "ecssd_0000.jpg",
        "ecssd_0004.jpg",
    }


@pytest.mark.parametrize(
    ("licence", "is_stated"),
    [
        ("MIT (repo LICENSE)", True),
        ("Apache-2.0 (repo LICENSE); photographers not named", True),
        ("own work", True),
        ("", False),
        ("repo LICENSE MIT; upstream ECSSD (CUHK) publishes no licence, academic use customary", False),
        ("repo LICENSE Apache-2.0; upstream Oxford VGG Flowers-17, no licence stated", False),
        ("no LICENSE in repo; COCO annotations CC BY 4.0", False),
        ("NONE stated; images from a search", False),
        ("CelebAMask-HQ: non-commercial research/education only", False),
    ],
)
def test_a_licence_is_stated_or_it_is_not(licence: str, is_stated: bool) -> None:
    assert stated(licence) is is_stated


def test_a_row_for_evaluation_is_refused(data: Path) -> None:
    file = data / "train_real/manifest.csv"
    file.write_text(file.read_text().replace("mixed,train", "mixed,eval", 1))
    with pytest.raises(DataError, match="is for eval, not for training"):
        find(data, permissive_only=False)


def test_a_set_that_is_the_evaluation_folder_under_another_name_is_refused(data: Path) -> None:
    (data / "train_real").rename(data / "eval_dev")
    (data / "train_real").symlink_to(data / "eval_dev")
    with pytest.raises(DataError, match="lies in a folder for evaluation"):
        find(data, permissive_only=False)


def test_a_copy_of_an_evaluation_picture_is_refused(data: Path) -> None:
    (data / "eval_dev").mkdir()
    shutil.copy(data / "backgrounds/kodak_000.jpg", data / "eval_dev/any.jpg")
    with pytest.raises(DataError, match=r"kodak_000\.jpg is .*any\.jpg, which is for evaluation"):
        find(data, permissive_only=False)


def test_an_evaluation_picture_in_other_bytes_is_refused(data: Path) -> None:
    save(data / "eval_dev/any.jpg", disc(3)[0], quality=70)
    with pytest.raises(DataError, match=r"ccp_0003\.jpg looks like .*any\.jpg"):
        find(data, permissive_only=False)


def test_a_picture_that_is_not_there_is_named(data: Path) -> None:
    (data / "train_real/ccp_0003.png").unlink()
    with pytest.raises(DataError, match=r"ccp_0003\.png is in the manifest but not there"):
        find(data, permissive_only=False)


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to train on"):
        find(tmp_path, permissive_only=False)


def test_a_rendered_batch_is_read(tmp_path: Path) -> None:
    tasks = [Task(number, "vessel", number % 2 == 0) for number in range(6)]
    assert list(make(tasks, tmp_path, DiscRenderer())) == []
    records = find(tmp_path, permissive_only=True)
    assert [(record.kind, record.group) for record in records[:2]] == [
        (Kind.CUTOUT, "vessel"),
        (Kind.PHOTO, "rendered_pairs"),
    ]
    assert sum(record.kind is Kind.CUTOUT for record in records) == 6
    assert sum(record.kind is Kind.PHOTO for record in records) == 3
