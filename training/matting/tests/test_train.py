"""Training: it learns, it repeats, it goes on where it stopped."""

import csv
import json
from itertools import count
from pathlib import Path

import pytest
import torch

from training.matting.cache import open_cache
from training.matting.experiment import Experiment, ExperimentError, SynthesisSettings
from training.matting.records import find
from training.matting.run import sha256
from training.matting.tests.pictures import TINY, data_folder
from training.matting.train import Limits, Watch, rate, train, validation_rows

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return data_folder(tmp_path_factory.mktemp("training"))


def go(data: Path, out: Path, limits: Limits, *, experiment: Experiment = TINY, resume: bool = False,
       start: Path | None = None, watch: Watch | None = None) -> list[dict[str, float]]:  # fmt: skip
    """Train on the CPU, with the pictures decoded once for all tests."""
    rows = train(
        experiment, data, out, limits, device=CPU, resume=resume, start=start, cache_folder=data.parent / "cache",
        watch=watch,
    )  # fmt: skip
    return [dict(row) for row in rows]


def stopping_after(steps: int) -> Watch:
    """Stops a run as Ctrl-C does, after so many steps."""
    asked = count()
    return Watch(stop=lambda: next(asked) >= steps)


def weights(out: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(out / "weights.pt", weights_only=True)
    return state


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def test_a_tiny_network_learns(data: Path, tmp_path: Path) -> None:
    """On photographs alone; single steps are noisy, so five of them are compared at each end."""
    plain = TINY.model_copy(update={"synthesis": SynthesisSettings(moved=0, cutout=0, hair=0, fur=0)})
    rows = go(data, tmp_path / "run", Limits(steps=24, every=0.0), experiment=plain)
    first, last = (sum(row["loss"] for row in part) for part in (rows[:5], rows[-5:]))
    assert last < 0.7 * first
    assert rows[-1]["mae"] < 0.6 * rows[0]["mae"]


def test_a_run_writes_down_what_it_was_and_what_came_out(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    rows = go(data, out, Limits(steps=2))
    assert Experiment.model_validate_json((out / "experiment.json").read_bytes()) == TINY
    assert json.loads((out / "metrics.json").read_text()) == rows[-1]
    with (out / "curves.csv").open() as file:
        assert [float(row["loss"]) for row in csv.DictReader(file)] == [row["loss"] for row in rows]
    assert {path.name for path in (out / "sheets").iterdir()} == {"samples-0000002.png", "validation-0000002.png"}
    digests = json.loads((out / "digests.json").read_text())
    assert digests == {name: sha256(out / name) for name in digests}
    assert {"weights.pt", "checkpoint.pt", "curves.png"} <= digests.keys()


def test_equal_seeds_give_equal_weights_and_others_do_not(data: Path, tmp_path: Path) -> None:
    other = TINY.model_copy(update={"seed": 2})
    for name, experiment in (("one", TINY), ("same", TINY), ("other", other)):
        go(data, tmp_path / name, Limits(steps=3), experiment=experiment)
    assert same(weights(tmp_path / "one"), weights(tmp_path / "same"))
    assert not same(weights(tmp_path / "one"), weights(tmp_path / "other"))


def test_a_stopped_run_goes_on_as_if_nothing_had_happened(data: Path, tmp_path: Path) -> None:
    whole, parted, limits = tmp_path / "whole", tmp_path / "parted", Limits(steps=6)
    go(data, whole, limits)
    rows = go(data, parted, limits, watch=stopping_after(3))
    assert rows[-1]["step"] == 3
    assert not (parted / "weights.pt").exists()
    rows = go(data, parted, limits, resume=True)
    assert [row["step"] for row in rows] == [3, 6]
    assert same(weights(whole), weights(parted))


def test_a_call_stops_after_its_time_and_leaves_a_checkpoint(data: Path, tmp_path: Path) -> None:
    rows = go(data, tmp_path, Limits(minutes=60, at_most=0.02))
    assert rows[-1]["step"] >= 1
    assert (tmp_path / "checkpoint.pt").exists()
    assert not (tmp_path / "weights.pt").exists()


def test_a_run_is_not_begun_twice_and_not_gone_on_with_as_another(data: Path, tmp_path: Path) -> None:
    go(data, tmp_path, Limits(steps=1))
    with pytest.raises(ExperimentError, match="holds a run already"):
        go(data, tmp_path, Limits(steps=1))
    with pytest.raises(ExperimentError, match="another experiment"):
        go(data, tmp_path, Limits(steps=1), experiment=TINY.model_copy(update={"seed": 2}), resume=True)


def test_a_damaged_checkpoint_is_named(data: Path, tmp_path: Path) -> None:
    go(data, tmp_path, Limits(steps=1))
    (tmp_path / "checkpoint.pt").write_bytes(b"half a file")
    with pytest.raises(ExperimentError, match=r"checkpoint\.pt cannot be read"):
        go(data, tmp_path, Limits(steps=2), resume=True)


def test_the_rate_warms_up_and_falls_to_its_floor() -> None:
    settings = TINY.optimiser.model_copy(update={"warm_up_steps": 10, "floor": 0.1})
    assert rate(settings, 0, 0) == pytest.approx(0.1)
    assert rate(settings, 100, 0) == pytest.approx(1)
    assert rate(settings, 100, 0.5) == pytest.approx(0.55)
    assert rate(settings, 100, 1) == pytest.approx(0.1)


def test_what_is_kept_apart_is_photographs_and_no_scene_whose_thing_is_trained_on(data: Path) -> None:
    records = find(data, permissive_only=False)
    cache = open_cache(records, data, data.parent / "cache", side=64, soften_hard=True, seen=lambda _number: None)
    kept = [cache.entries[row] for row in validation_rows(cache, 100)]
    assert len(kept) == 4
    assert {entry.group for entry in kept} <= {"ccp", "ecssd"}


def test_a_run_begins_with_the_weights_of_another(data: Path, tmp_path: Path) -> None:
    go(data, tmp_path / "first", Limits(steps=3))
    still = TINY.model_copy(
        update={"optimiser": TINY.optimiser.model_copy(update={"rate": 1e-9, "encoder_rate": 1e-9})}
    )
    go(data, tmp_path / "second", Limits(steps=1), experiment=still, start=tmp_path / "first")
    first, second = weights(tmp_path / "first"), weights(tmp_path / "second")
    learnt = [name for name in first if name.endswith("weight")]
    assert all(torch.allclose(first[name], second[name], atol=1e-6) for name in learnt)
    begun = json.loads((tmp_path / "second" / "start.json").read_text())
    assert begun == {"run": TINY.name, "weights": sha256(tmp_path / "first" / "weights.pt")}


def test_a_run_begins_with_no_network_of_another_shape(data: Path, tmp_path: Path) -> None:
    go(data, tmp_path / "first", Limits(steps=1))
    wider = TINY.model_copy(update={"network": TINY.network.model_copy(update={"width": 2.0})})
    with pytest.raises(ExperimentError, match="another shape"):
        go(data, tmp_path / "second", Limits(steps=1), experiment=wider, start=tmp_path / "first")
