"""A batch goes on where it stopped and believes nothing half done. Runs without Blender."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.render import manifest
from training.render.batch import FOREGROUNDS, SCENES, Task, make, missing, plan
from training.render.tests.disc_renderer import Died, Disc, DiscRenderer

TASKS = [Task(number, "vessel", number % 2 == 0) for number in range(6)]


def run(out: Path, renderer: DiscRenderer, tasks: list[Task] = TASKS) -> list[Task]:
    return list(make(tasks, out, renderer))


def test_a_plan_follows_from_its_seed() -> None:
    whole = plan(seed=0, count=100, families=[], pairs=0.25)
    assert plan(seed=0, count=100, families=[], pairs=0.25) == whole
    assert plan(seed=40, count=60, families=[], pairs=0.25) == whole[40:]


def test_a_plan_takes_only_the_families_asked_for() -> None:
    tasks = plan(seed=0, count=12, families=["rope", "wire"], pairs=0)
    assert [task.family for task in tasks] == ["rope", "wire", "wire"] * 4


@pytest.mark.parametrize(("share", "low", "high"), [(0, 0, 0), (0.25, 60, 140), (1, 400, 400)])
def test_a_share_of_the_pictures_comes_in_pairs(share: float, low: int, high: int) -> None:
    assert low <= sum(task.pair for task in plan(seed=0, count=400, families=[], pairs=share)) <= high


def test_every_picture_lies_there_with_its_row(tmp_path: Path) -> None:
    assert run(tmp_path, DiscRenderer()) == []
    rows = manifest.read(tmp_path / FOREGROUNDS)
    assert [row.file for row in rows] == [f"{number:05}_vessel.webp" for number in range(6)]
    assert [row.pair for row in rows] == ["00000_vessel.jpg", "", "00002_vessel.jpg", "", "00004_vessel.jpg", ""]
    assert {row.size for row in rows} == {"24x24"}
    assert sorted(file.name for file in (tmp_path / SCENES).glob("*.jpg")) == [row.pair for row in rows if row.pair]


def test_alpha_and_the_colour_under_it_come_back_from_the_file(tmp_path: Path) -> None:
    run(tmp_path, DiscRenderer(64), TASKS[:1])
    made = Disc(0, 64, pair=True).rgba
    with Image.open(tmp_path / FOREGROUNDS / "00000_vessel.webp") as picture:
        kept = np.asarray(picture.convert("RGBA"))
    assert (kept[..., 3] == made[..., 3]).all()
    assert np.abs(kept[..., :3].astype(int) - made[..., :3]).max() < 12


def test_the_second_call_makes_what_the_first_did_not(tmp_path: Path) -> None:
    first, second = DiscRenderer(dies_at=4), DiscRenderer()
    with pytest.raises(Died):
        run(tmp_path, first)
    run(tmp_path, second)
    assert second.asked == TASKS[3:]
    assert missing(TASKS, tmp_path) == []


def test_a_finished_batch_is_not_touched(tmp_path: Path) -> None:
    run(tmp_path, DiscRenderer())
    again = DiscRenderer()
    run(tmp_path, again)
    assert again.asked == []


@pytest.mark.parametrize("lost", [f"{FOREGROUNDS}/00002_vessel.webp", f"{SCENES}/00002_vessel.jpg"])
def test_a_lost_file_is_made_again(tmp_path: Path, lost: str) -> None:
    run(tmp_path, DiscRenderer())
    (tmp_path / lost).unlink()
    again = DiscRenderer()
    run(tmp_path, again)
    assert again.asked == [TASKS[2]]
    assert len(manifest.read(tmp_path / FOREGROUNDS)) == 6


def test_a_file_without_a_row_is_not_believed(tmp_path: Path) -> None:
    """A call that died between the file and its row."""
    (tmp_path / FOREGROUNDS).mkdir()
    (tmp_path / FOREGROUNDS / "00000_vessel.webp").write_bytes(b"half")
    run(tmp_path, DiscRenderer(), TASKS[:1])
    with Image.open(tmp_path / FOREGROUNDS / "00000_vessel.webp") as picture:
        assert picture.size == (24, 24)


def test_a_picture_asked_for_in_a_pair_later_is_made_again(tmp_path: Path) -> None:
    run(tmp_path, DiscRenderer(), [Task(1, "vessel", pair=False)])
    assert missing([Task(1, "vessel", pair=True)], tmp_path) == [Task(1, "vessel", pair=True)]


def test_hopeless_pictures_are_named_and_leave_nothing(tmp_path: Path) -> None:
    assert run(tmp_path, DiscRenderer(hopeless=frozenset({3}))) == [TASKS[3]]
    assert len(manifest.read(tmp_path / FOREGROUNDS)) == 5
    assert missing(TASKS, tmp_path) == [TASKS[3]]


def test_progress_counts_what_was_there_before(tmp_path: Path) -> None:
    run(tmp_path, DiscRenderer(), TASKS[:4])
    seen: list[tuple[int, int]] = []
    list(make(TASKS, tmp_path, DiscRenderer(), report=lambda done, of, _name: seen.append((done, of))))
    assert seen == [(4, 6), (5, 6), (6, 6)]


def test_a_batch_that_is_stopped_ends_after_a_whole_picture(tmp_path: Path) -> None:
    renderer = DiscRenderer()
    list(make(TASKS, tmp_path, renderer, stop=lambda: len(renderer.asked) == 2))
    assert renderer.asked == TASKS[:2]
    assert missing(TASKS, tmp_path) == TASKS[2:]


def test_no_file_of_the_making_stays(tmp_path: Path) -> None:
    run(tmp_path, DiscRenderer())
    assert [file.name for file in tmp_path.rglob("*.new")] == []
