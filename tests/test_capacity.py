"""The capacity commands: the simulator against queueing theory, the costs by hand, the figures of a made-up run."""

import pytest
from typer.testing import CliRunner

from benchmarks.capacity.__main__ import app
from benchmarks.capacity.check import check
from benchmarks.capacity.cost import Prices, Use, hosts, per_thousand
from benchmarks.capacity.measured import Job, NothingSoldError, measured
from benchmarks.capacity.simulation import Host, arriving, closed
from loadtests.profile import Phase
from loadtests.run import PhaseRun
from tests.loadtests.runs import a_run, deliveries, phase_run, requests, samples

ONE_CORE = Host(cores=1.0)


def job(compose: float = 0.0, infer: float = 0.0, waits: float = 0.0) -> Job:
    """A picture with these seconds."""
    return Job({"own": 0.0, "decode": 0.0, "infer": infer, "compose": compose, "encode": 0.0}, waits)


def test_a_lone_buyer_waits_for_the_stages_and_the_chain() -> None:
    outcome = closed(ONE_CORE, [job(compose=0.1, infer=0.2, waits=0.7)], users=1, think_s=0.0, seconds=30)
    assert outcome.percentile(50) == pytest.approx(1.0)


def test_many_buyers_get_what_the_cores_can_do() -> None:
    for cores in (1.0, 2.0, 2.5):
        outcome = closed(Host(cores, max_wait_s=1000), [job(compose=0.1)], users=16, think_s=0.0, seconds=30)
        assert outcome.sold_per_s == pytest.approx(10 * cores, rel=0.05)


def test_the_runner_is_a_queue_of_its_own() -> None:
    outcome = closed(Host(8.0, max_wait_s=1000), [job(infer=0.1)], users=16, think_s=0.0, seconds=30)
    assert outcome.sold_per_s == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize("load", [0.3, 0.5, 0.7])
def test_waits_are_those_of_a_shared_processor(load: float) -> None:
    """M/G/1 with processor sharing: on average the service time divided by the share that is free."""
    outcome = arriving(ONE_CORE, [job(compose=0.2)], per_s=load / 0.2, seconds=4_000)
    mean_s = sum(outcome.waits_s) / len(outcome.waits_s)
    assert mean_s == pytest.approx(0.2 / (1 - load), rel=0.15)


def test_an_overload_is_refused_and_the_rest_is_sold() -> None:
    outcome = arriving(ONE_CORE, [job(compose=0.1)], per_s=30, seconds=200)
    assert outcome.sold_per_s == pytest.approx(10, rel=0.1)
    assert outcome.shed / 200 == pytest.approx(20, rel=0.1)
    assert outcome.percentile(95) < 15


def test_a_thousand_pictures_by_hand() -> None:
    prices = Prices(core_hour=0.036, gb_hour=0.01, egress_gb=0.1, gas_gwei=0.01, eth=4000)
    parts = per_thousand(prices, Use(cpu_s=0.5, megabytes=2.0, utilisation=0.5, gb_per_core=2.0, x402=0.5))
    assert parts["cores"] == pytest.approx(1000 * 0.5 / 3600 / 0.5 * 0.036)
    assert parts["memory"] == pytest.approx(1000 * 0.5 / 3600 / 0.5 * 2 * 0.01)
    assert parts["traffic"] == pytest.approx(0.2)
    assert parts["settlement"] == pytest.approx(500 * 80_000 * 0.01e-9 * 4000)


def test_a_facilitator_is_paid_instead_of_gas() -> None:
    prices = Prices(core_hour=0, gas_gwei=1, eth=4000, facilitator=0.001)
    assert per_thousand(prices, Use(cpu_s=0.5, megabytes=0, x402=1.0))["settlement"] == pytest.approx(1.0)


@pytest.mark.parametrize(("per_day", "expected"), [(1, 1), (86_400, 1), (864_000, 10), (864_001, 11)])
def test_hosts_for_the_busiest_hour(per_day: float, expected: int) -> None:
    assert hosts(per_day, pictures_s_per_host=5.0, busiest=3.0, load=0.6) == expected


def sold(name: str, number: int, ms: float) -> PhaseRun:
    """A phase of ten seconds with so many sales, of 0.1 CPU seconds each, all of them inference."""
    phase = Phase(name=name, seconds=10, users={"mpp": number})
    timing = "verify;dur=10, infer;dur=400, settle;dur=20"
    bought = [[*row[:4], timing] for row in deliveries("mpp", number)]
    seen = samples("runner 1", *[(500.0, number / 90 * each, 9, 9) for each in range(10)])
    return phase_run(requests("paid mpp", *[ms] * number, every_s=0.01), bought, phase=phase, samples=seen)


def test_stages_are_scaled_to_the_cpu_time_of_the_processes() -> None:
    """The 400 ms of a busy machine's clock are the 0.1 CPU seconds of the process."""
    run = a_run(sold("one", 9, 500.0))
    feed = measured(run, run.phases[0])
    assert feed.cpu_s == pytest.approx(0.1)
    assert feed.jobs[0].computes_s["infer"] == pytest.approx(0.09)
    assert feed.jobs[0].computes_s["own"] == pytest.approx(0.01)
    assert feed.jobs[0].waits_s == pytest.approx(0.03)
    assert feed.memory_mb == 500


def test_a_run_that_sold_nothing_cannot_be_simulated() -> None:
    run = a_run(phase_run(requests("page", 5.0)))
    with pytest.raises(NothingSoldError, match="sold nothing"):
        measured(run, run.phases[0])


def test_the_simulation_is_compared_with_each_later_phase() -> None:
    rows = list(check(a_run(sold("one", 9, 500.0), sold("two", 9, 500.0)), cores=1.0))
    assert [(row.phase, row.figure) for row in rows] == [("two", "pictures/s"), ("two", "p50 s"), ("two", "p95 s")]
    assert rows[0].measured == 0.9
    assert rows[1].off == rows[1].simulated / 0.5 - 1


def test_a_phase_is_simulated_with_the_pictures_of_its_rails() -> None:
    """Over one of them every buyer waits for a block."""
    first, later = sold("one", 9, 500.0), sold("two", 9, 500.0)
    slow = "infer;dur=400, settle;dur=5000"
    first.deliveries += [[*row[:4], slow] for row in deliveries("x402", 9)]
    rows = list(check(a_run(first, later), cores=1.0))
    assert next(row.simulated for row in rows if row.figure == "p95 s") < 2


def test_the_commands_print() -> None:
    costs = CliRunner().invoke(app, ["cost", "--core-hour", "0.04", "--gas-gwei", "0.01", "--eth", "4000"])
    assert costs.exit_code == 0, costs.output
    assert "settlement" in costs.output
    needed = CliRunner().invoke(app, ["hosts", "100000", "--pictures-s", "5"])
    assert needed.output.startswith("2 hosts")
