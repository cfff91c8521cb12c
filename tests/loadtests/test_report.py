"""Reports hold the figures, and load nothing from elsewhere."""

import re
from pathlib import Path

import pytest

from loadtests.money import Money
from loadtests.profile import Bound, Growth, Phase
from loadtests.report import compare, report
from loadtests.report.figures import class_rows, cpu_s, cpu_share, peak_mb
from loadtests.run import Run
from tests.loadtests.runs import PRICE, a_run, deliveries, phase_run, requests, samples

SOAK = Phase(name="the only phase", seconds=10, arrivals={"mpp": 1}, counts_for_peak=True)


@pytest.fixture
def run() -> Run:
    """Ten seconds with four pictures and a failed request."""
    rows = requests("paid mpp", 100, 200, 300, 400) + requests("page", 7, fault="<b>500</b> instead of 200")
    seen = samples("runner 1", *[(100.0 + each, each / 2, 10, 5) for each in range(10)])
    phase = phase_run(rows, deliveries("mpp", 4), phase=SOAK, samples=seen)
    money = Money(PRICE, {"mpp": 4}, {"mpp": 4 * PRICE}, {"mpp": 4})
    made = a_run(phase, money=money, bounds=(Bound(of="paid mpp", p95=300),), growth=Growth(settled_s=2, window_s=3))
    made.missed = ["paid mpp: p95 is 385 ms, 300 ms allowed"]
    return made


def test_the_page_is_complete_and_self_contained(run: Run, tmp_path: Path) -> None:
    report(run, path := tmp_path / "report.html")
    page = path.read_text()
    assert re.findall(r"""(?:src|href)=["'](?!#)[^"']*""", page.replace('xlink:href="#', 'href="#')) == []
    assert re.findall(r"url\((?!#)", page) == []
    assert page.count("<svg") == 10
    for expected in ("paid mpp: p95 is 385 ms, 300 ms allowed", "200000", "the only phase", "runner 1"):
        assert expected in page


def test_what_a_service_answered_is_text_in_the_page(run: Run, tmp_path: Path) -> None:
    report(run, path := tmp_path / "report.html")
    assert "<b>500" not in path.read_text()
    assert "&lt;b&gt;500" in path.read_text()


def test_a_run_is_kept_as_it_was(run: Run, tmp_path: Path) -> None:
    run.write(tmp_path)
    kept = Run.read(tmp_path)
    assert kept.profile == run.profile
    assert kept.money == run.money
    assert kept.missed == run.missed
    assert kept.phases[0].waits().keys() == {"paid mpp"}
    report(kept, tmp_path / "report.html")


def test_figures(run: Run) -> None:
    [page, paid] = class_rows(run)
    assert (page.served, page.failed, page.percentiles) == (0, 1, ())
    assert (paid.served, paid.percentiles[0]) == (4, 250.0)
    assert cpu_s(run) == 4.5
    assert peak_mb(run) == 109
    assert set(cpu_share(run, "runner 1")[1]) == {0.5}


def test_two_runs_are_compared(run: Run, tmp_path: Path) -> None:
    other = a_run(phase_run(requests("paid mpp", 50, 100, 150, 200), deliveries("mpp", 4), phase=SOAK))
    path = tmp_path / "compare.html"
    rows = {row[0]: row[1:] for row in compare(run, other, path)}
    assert rows["paid mpp: p50, ms"] == ("250", "125", "0.50")
    assert rows["CPU seconds of the service"] == ("4.5", "-", "")
    page = path.read_text()
    assert "The two profiles differ." in page
    assert page.count("<svg") == 1
