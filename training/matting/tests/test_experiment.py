"""Experiments: what their files must hold. Runs without torch."""

from pathlib import Path

import pytest

from training.matting.experiment import EXPERIMENTS, Experiment, ExperimentError


@pytest.mark.parametrize("name", [path.stem for path in EXPERIMENTS.glob("*.toml")])
def test_every_experiment_is_one_and_is_called_as_its_file(name: str) -> None:
    assert Experiment.load(name).name == name


def test_one_that_is_missing_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ExperimentError, match=r"Known: default, .*short"):
        Experiment.load("other")


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("side = 192", "side = 200", "multiple of 32"),
        ("share = 1.0", "share = 0", "greater than 0"),
        ("[data]", "[date]", "Extra inputs"),
        ("[data]", "[data", "not an experiment"),
        ("[data]", "[synthesis]\nphoto = 0\nmoved = 0\ncutout = 0\n[data]", "nothing to train on"),
    ],
)
def test_a_faulty_one_is_refused(tmp_path: Path, before: str, after: str, fault: str) -> None:
    text = (EXPERIMENTS / "short.toml").read_text()
    assert before in text
    (tmp_path / "short.toml").write_text(text.replace(before, after))
    with pytest.raises(ExperimentError, match=fault):
        Experiment.load(str(tmp_path / "short.toml"))


def test_one_that_extends_another_says_only_what_differs() -> None:
    base, other = Experiment.load("renders"), Experiment.load("without-haze")
    assert other.loss.sharpness == 0 != base.loss.sharpness
    same = {"name", "why", "loss"}
    assert other.model_dump(exclude=same) == base.model_dump(exclude=same)
    assert other.loss.model_dump(exclude={"sharpness"}) == base.loss.model_dump(exclude={"sharpness"})


def test_weights_of_groups_are_taken_from_one_file_alone(tmp_path: Path) -> None:
    text = 'extends = "renders"\nname = "few"\nwhy = "cats"\n[data]\nweights = { feralcat = 2 }\n'
    (tmp_path / "few.toml").write_text(text)
    few = Experiment.load(str(tmp_path / "few.toml"))
    assert few.data.weights == {"feralcat": 2}
    assert few.data.side == Experiment.load("renders").data.side


@pytest.mark.parametrize(
    ("base", "fault"),
    [("nothing-of-the-kind", "Unknown experiment .*nothing-of-the-kind"), ("OWN", "extends itself")],
)
def test_one_that_extends_what_it_cannot_is_refused(tmp_path: Path, base: str, fault: str) -> None:
    own = tmp_path / "own.toml"
    base = base.replace("OWN", str(own.with_suffix("")))
    own.write_text(f'extends = "{base}"\nname = "own"\nwhy = "a test"\n')
    with pytest.raises(ExperimentError, match=fault):
        Experiment.load(str(own))


def test_a_table_in_the_place_of_a_word_is_refused_in_one_that_extends_another(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('extends = "renders"\nwhy = "a test"\n[name]\nfirst = 1\n')
    with pytest.raises(ExperimentError, match=r"name\n.*valid string"):
        Experiment.load(str(tmp_path / "own.toml"))


def test_stages_follow_each_other_by_their_shares() -> None:
    stages = [{"share": 1, "side": 64, "batch": 4}, {"share": 3, "side": 96, "batch": 2}]
    experiment = Experiment.model_validate({"name": "two", "why": "two sizes", "stages": stages})
    assert [experiment.stage(at).side for at in (0, 0.24, 0.26, 0.99, 1)] == [64, 64, 96, 96, 96]
