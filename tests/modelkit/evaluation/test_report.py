import json
from pathlib import Path

import numpy as np

from modelkit.evaluation.duplicates import Duplicate
from modelkit.evaluation.report import Judged, Report
from modelkit.evaluation.samples import Sample
from modelkit.evaluation.scores import Scores, score
from modelkit.evaluation.sheet import MAGENTA, choose_cases, cut_out, over
from tests.imaging.samples import opaque
from tests.modelkit.evaluation.scenes import disc, picture

HARD = disc(30)


def sample(name: str, group: str) -> Sample:
    return Sample(name, group, Path(f"{name}.jpg"), Path(f"{name}.png"))


def scores_of(radius: int) -> Scores:
    return score(disc(radius), HARD)


SAMPLES = [sample("a", "cats"), sample("b", "cars"), sample("c", "cats")]
GOOD = Judged("good", "0" * 64, 384, {"a": scores_of(30), "b": scores_of(30), "c": scores_of(29)})
POOR = Judged("poor", "1" * 64, 320, {"a": scores_of(20), "b": scores_of(10), "c": scores_of(25)})


def test_groups_are_sorted_and_all_come_last() -> None:
    groups = Report(SAMPLES, [GOOD], None).groups()
    assert {name: [each.name for each in samples] for name, samples in groups.items()} == {
        "cars": ["b"],
        "cats": ["a", "c"],
        "all": ["a", "b", "c"],
    }


def test_json_holds_means_and_every_picture(tmp_path: Path) -> None:
    Report(SAMPLES, [GOOD, POOR], [Duplicate("a", "t.jpg", 2)]).save(tmp_path / "report.json")
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["pictures"] == {"cars": 1, "cats": 2, "all": 3}
    assert [each["name"] for each in report["networks"]] == ["good", "poor"]
    poor = report["networks"][1]
    assert poor["groups"]["cats"]["iou"] == round((poor["pictures"]["a"]["iou"] + poor["pictures"]["c"]["iou"]) / 2, 6)
    assert poor["groups"]["all"]["soft_mse"] is None
    assert report["duplicates"] == [{"sample": "a", "training_file": "t.jpg", "distance": 2}]


def test_json_tells_a_comparison_that_found_nothing_from_none(tmp_path: Path) -> None:
    Report(SAMPLES, [GOOD], []).save(tmp_path / "compared.json")
    Report(SAMPLES, [GOOD], None).save(tmp_path / "alone.json")
    assert json.loads((tmp_path / "compared.json").read_text())["duplicates"] == []
    assert json.loads((tmp_path / "alone.json").read_text())["duplicates"] is None


def test_the_table_has_a_line_per_group_and_network() -> None:
    table = Report(SAMPLES, [POOR, GOOD], None).table()
    columns = {str(column.header): [str(cell) for cell in column.cells] for column in table.columns}
    assert columns["Group"] == ["cars", "", "cats", "", "all", ""]
    assert columns["n"] == ["1", "", "2", "", "3", ""]
    assert columns["Network"] == ["poor", "good"] * 3
    assert columns["IoU"][1] == "[bold]1.000[/bold]"
    assert columns["MAE"][1] == "[bold]0.000[/bold]"
    assert not columns["MAE"][0].startswith("[bold]")
    assert columns["soft MSE"] == ["-"] * 6


def test_worst_come_first_and_then_those_about_the_median() -> None:
    radii = {"a": 30, "b": 29, "c": 28, "d": 26, "e": 24, "f": 20, "g": 10}
    judged = Judged("x", "", 384, {name: scores_of(radius) for name, radius in radii.items()})
    samples = [sample(name, "cats") for name in radii]
    cases = choose_cases(samples, judged, 2)
    assert [(case.why, case.sample.name) for case in cases] == [
        ("worst", "g"),
        ("worst", "f"),
        ("typical", "d"),
        ("typical", "e"),
    ]
    assert [case.sample.name for case in choose_cases(samples[:1], judged, 2)] == ["a"]


def test_cut_outs_lie_on_magenta() -> None:
    image = opaque(picture(HARD))
    before = image.rgba.copy()
    shown = over(cut_out(image, HARD), MAGENTA)
    assert tuple(shown[0, 0]) == (255, 0, 255)
    assert tuple(shown[48, 48]) == (150, 30, 30)
    assert np.array_equal(image.rgba, before)
