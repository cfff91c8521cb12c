"""The verdict of a load test is its exit code."""

import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.gate import misses
from loadtests.money import Money
from loadtests.profile import Bound, Limits, Phase
from sandbox.process import ROOT
from tests.fakes.quoting_service import QuotingService
from tests.fakes.serving import serving
from tests.loadtests.runs import PRICE, a_run, deliveries, phase_run, requests


def load(url: str, folder: Path, *, at_most: int = 5_000) -> subprocess.CompletedProcess[str]:
    """Ask for 20 quotes a second for three seconds, with a bound in milliseconds."""
    (folder / "profile.toml").write_text(
        f"""about = "short"
        phases = [{{name = "quotes", seconds = 3, arrivals = {{quote = 20}}}}]
        bounds = [{{of = "quote, empty request", p95 = {at_most}}}]"""
    )
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "loadtests",
        "run",
        folder / "profile.toml",
        "--url",
        url,
        "--out",
        folder / "out",
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


def test_a_kept_bound_is_exit_code_0(tmp_path: Path) -> None:
    """Also: about 20 requests a second went out, from as many addresses, and a report was written."""
    service = QuotingService()
    with serving(service) as url:
        done = load(url, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KEPT" in done.stdout
    assert 30 <= len(service.addresses) <= 90
    assert len(set(service.addresses)) > len(service.addresses) / 2
    assert "quote, empty request" in (tmp_path / "out" / "report.html").read_text()


def test_a_missed_percentile_is_exit_code_1(tmp_path: Path) -> None:
    with serving(QuotingService(seconds=0.2)) as url:
        done = load(url, tmp_path, at_most=100)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "MISSED  quote, empty request: p95 is" in done.stdout


def test_an_answer_that_is_no_quote_is_exit_code_1(tmp_path: Path) -> None:
    """However quick it came."""
    with serving(QuotingService(status=429)) as url:
        done = load(url, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "requests failed" in done.stdout


def test_a_service_that_is_not_there_is_exit_code_1(tmp_path: Path) -> None:
    done = load("http://127.0.0.1:9", tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "requests failed" in done.stdout


@pytest.mark.parametrize("url", ["https://example.com", "http://10.0.0.1:3000"])
def test_no_load_is_sent_to_another_machine(url: str, tmp_path: Path) -> None:
    done = load(url, tmp_path)
    assert done.returncode == 2
    assert "loopback addresses only" in done.stdout


def paid(number: int, ms: float = 100.0) -> list[tuple[float, str, float, str]]:
    """Paid requests, one a second."""
    return requests("paid mpp", *[ms] * number)


def money(delivered: int, earned: int, receipts: int | None = None) -> Money:
    """Of one rail."""
    number = delivered if receipts is None else receipts
    return Money(PRICE, {"mpp": delivered}, {"mpp": earned}, {"mpp": number})


def test_a_run_whose_money_agrees_is_good() -> None:
    assert misses(a_run(phase_run(paid(4), deliveries("mpp", 4)), money=money(4, 4 * PRICE))) == []


@pytest.mark.parametrize(
    ("found", "complaint"),
    [
        (money(4, 4 * PRICE - 1), "1 pictures were delivered unpaid"),
        (money(4, 3 * PRICE), "1 pictures were delivered unpaid"),
        (money(4, 4 * PRICE, receipts=3), "1 pictures were delivered unpaid"),
        (money(4, 5 * PRICE), f"mpp: {5 * PRICE} base units for 4 pictures of {PRICE}"),
        (money(4, 4 * PRICE + 1), f"mpp: {4 * PRICE + 1} base units for 4 pictures of {PRICE}"),
        (Money(0, {"mpp": 4}, {"mpp": 0}, {"mpp": 4}), "more than one price was quoted, or none"),
    ],
)
def test_money_must_agree_to_the_last_unit(found: Money, complaint: str) -> None:
    assert complaint in misses(a_run(phase_run(paid(4), deliveries("mpp", 4)), money=found))


def test_a_buyer_in_doubt_is_told() -> None:
    run = a_run(phase_run(paid(4), deliveries("mpp", 4), unresolved=[["mpp", 503]]), money=money(4, 4 * PRICE))
    assert misses(run) == ["1 buyers could not find out whether they had paid; the first: ['mpp', 503]"]


def test_percentiles_are_of_what_was_served() -> None:
    rows = requests("page", *range(1, 101)) + requests("page", 9_000, fault="500")
    bounds = (Bound(of="page", p50=50, p95=96, p99=100), Bound(of="never", p50=1))
    found = misses(a_run(phase_run(rows), bounds=bounds, limits=Limits(failed=0.05)))
    assert found == ["page: p50 is 50 ms, 50 ms allowed", "never: never answered"]


def test_failures_and_shed_requests_have_limits() -> None:
    rows = paid(8) + requests("paid mpp, shed", 5, 5) + requests("page", 1, fault="500")
    assert misses(a_run(phase_run(rows), limits=Limits(failed=0.1, shed=0.2))) == []
    assert misses(a_run(phase_run(rows), limits=Limits(shed=0.1))) == [
        "1 of 11 requests failed; the first, page: 500",
        "2 of 10 paid requests were refused for lack of capacity",
    ]


@pytest.mark.parametrize(("sold", "is_kept"), [(9, True), (8, False)])
def test_overload_must_keep_its_share_of_the_peak(sold: int, *, is_kept: bool) -> None:
    peak = Phase(name="peak", seconds=10, users={"mpp": 1}, counts_for_peak=True)
    over = Phase(name="over", seconds=10, arrivals={"mpp": 1}, times_peak=3)
    phases = [phase_run(paid(each), deliveries("mpp", each), phase=phase) for each, phase in ((10, peak), (sold, over))]
    missed = misses(a_run(*phases, limits=Limits(of_peak=0.9)))
    assert missed == ([] if is_kept else ["over: 0.80 pictures/s, 90% of the peak of 1.00 is required"])
